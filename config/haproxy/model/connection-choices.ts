// Where the connections of a section go: `use_backend`, `default_backend` and `use-server` of `mode tcp`, in order.
import { and, or, type Condition } from "../condition/condition.ts";
import { connectionCriteria } from "../condition/connection-criterion.ts";
import { conditionStart, parseCondition, readAcl, type Scope } from "../condition/parse-condition.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import { serverEffect } from "../program/server-choice.ts";
import { switchingSteps } from "../program/switching.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import type { Word } from "../split-words.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

export interface Choice {
  readonly statement: Statement;
  readonly condition: Condition;
  /** Absent: they are closed. */
  readonly backend: string | undefined;
  /** Of the backend's; absent: any. */
  readonly server?: string;
}

export interface ChoiceContext {
  /** Sections with servers, by name. */
  readonly sources: ReadonlyMap<string, Proxy>;
  readonly files: NamedFiles;
  readonly notes: Notes;
}

export function readConnectionScope(proxy: Proxy, files: NamedFiles, notes: Notes): Scope {
  const lines = new Map<string, Condition[] | undefined>();
  for (const statement of statementsOf(proxy, "acl")) {
    attempt(statement, notes, () => readAcl(statement.words, lines, files, connectionCriteria));
  }
  const acls = new Map([...lines].map(([name, conditions]) => [name, conditions && or(conditions)]));
  return { acls, files, criteria: connectionCriteria };
}

/** Undefined: it names an ACL that could not be read, which has been said. Throws `StatementProblem`. */
export function conditionOf({ words }: Statement, scope: Scope): Condition | undefined {
  return parseCondition(words, conditionStart(words, 1), scope);
}

export function readChoices(front: Proxy, scope: Scope, context: ChoiceContext): Choice[] {
  const { sources, notes } = context;
  const steps = switchingSteps(withServerNames(front, notes), scope, new Set(sources.keys()), notes);
  const serverChoices = new Map<string, Choice[]>();
  return steps.flatMap(({ statement, condition, effect }) => {
    if (effect.kind !== "use") return [{ statement, condition, backend: undefined }];
    const { backend } = effect;
    const source = sources.get(backend)!;
    if (!serverChoices.has(backend)) {
      const own = source === front ? scope : undefined;
      serverChoices.set(backend, readServerChoices(source, own, context));
    }
    const ofServers = serverChoices
      .get(backend)!
      .map((choice) => ({ ...choice, condition: and([condition, choice.condition]) }));
    return [...ofServers, { statement, condition, backend }];
  });
}

/** `own`: the section's scope, where it has been read. */
function readServerChoices(source: Proxy, own: Scope | undefined, { files, notes }: ChoiceContext): Choice[] {
  const statements = statementsOf(source, "use-server");
  if (statements.length === 0) return [];
  const scope = own ?? readConnectionScope(source, files, notes);
  return statements.flatMap(
    (statement) =>
      attempt(statement, notes, () => {
        serverEffect(statement, source);
        const condition = conditionOf(statement, scope);
        return condition
          ? [{ statement, condition, backend: source.name, server: wordAt(statement, 1) }]
          : [];
      }) ?? [],
  );
}

/** Names of backends that are made of the server name, as they would be of the host. */
function withServerNames(front: Proxy, notes: Notes): Proxy {
  const rewritten = statementsOf(front, "use_backend").flatMap((statement) => {
    const words = attempt(statement, notes, () =>
      statement.words.map((word, index) => (index === 1 ? nameWithHost(word) : word)),
    );
    return words ? [{ ...statement, words }] : [];
  });
  const byKeyword = new Map(front.settings.byKeyword).set("use_backend", rewritten);
  return { ...front, settings: { ...front.settings, byKeyword } };
}

function nameWithHost(word: Word): Word {
  const text = word.text.replace(/%\[(?:req[._]ssl_sni|ssl_fc_sni)(?=[,\]])/g, "%[hdr(host)");
  if (text === word.text && text.includes("%["))
    unsupported("the backend's name depends on more than the server name", "Write one use_backend per name.");
  return { ...word, text };
}
