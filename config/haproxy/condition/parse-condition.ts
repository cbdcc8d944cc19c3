// `if a !b || { path_beg /x }` → a condition, with the ACLs that it names (§7.2).
import type { NamedFiles } from "../named-files.ts";
import { invalid, StatementProblem, unsupported } from "../statement-problem.ts";
import type { Word } from "../split-words.ts";
import { always, and, not, or, type Condition } from "./condition.ts";
import { inSection } from "./counter-condition.ts";
import { readCriterion } from "./criterion.ts";

/** What the conditions of a section may refer to. */
export interface Scope {
  /** Name of the section. Absent: its own stick table is not asked for. */
  readonly section?: string;
  /** Named ACLs; `undefined` when one could not be read, which has been said already. */
  readonly acls: ReadonlyMap<string, Condition | undefined>;
  readonly files: NamedFiles;
  /** Absent: criteria are about requests. */
  readonly criteria?: Criteria;
}

/** How criteria are read, also those that predefined ACLs stand for. */
export interface Criteria {
  readonly read: typeof readCriterion;
  readonly predefined: ReadonlyMap<string, readonly string[]>;
}

const predefinedAcls: Readonly<Record<string, readonly string[]>> = {
  FALSE: ["always_false"],
  HTTP: ["req.proto_http"],
  HTTP_CONTENT: ["req.hdr_val(content-length)", "gt", "0"],
  HTTP_URL_ABS: ["always_false"],
  HTTP_URL_SLASH: ["url_beg", "/"],
  HTTP_URL_STAR: ["always_false"],
  LOCALHOST: ["src", "127.0.0.1/8", "::1"],
  METH_CONNECT: ["method", "CONNECT"],
  METH_DELETE: ["method", "DELETE"],
  METH_GET: ["method", "GET", "HEAD"],
  METH_HEAD: ["method", "HEAD"],
  METH_OPTIONS: ["method", "OPTIONS"],
  METH_POST: ["method", "POST"],
  METH_PUT: ["method", "PUT"],
  METH_TRACE: ["method", "TRACE"],
  TRUE: ["always_true"],
  WAIT_END: ["always_true"],
};

/** ACLs that every configuration has (§7.4), by what they would be written as. */
const predefined: ReadonlyMap<string, readonly string[]> = new Map(Object.entries(predefinedAcls));

/** Those that look at what is not seen here, with what is not. */
const unseen: ReadonlyMap<string, string> = new Map([
  ...["HTTP_1.0", "HTTP_1.1", "HTTP_2.0"].map(
    (name) => [name, "the version of HTTP that a client speaks is not told apart"] as const,
  ),
  ["RDP_COOKIE", "remote desktop connections are not looked into"],
  ["REQ_CONTENT", "what a connection carries is not counted"],
]);

/** Index of `if` or `unless`; -1: there is no condition. */
export function conditionStart(words: readonly Word[], from: number): number {
  return words.findIndex((word, index) => index >= from && (word.text === "if" || word.text === "unless"));
}

/**
 * The condition from `if` or `unless` on; always true when there is none. `undefined`: it names an ACL that could not
 * be read. Throws `StatementProblem`.
 */
export function parseCondition(words: readonly Word[], start: number, scope: Scope): Condition | undefined {
  if (start < 0 || start >= words.length) return always;
  if (start === words.length - 1)
    return invalid(`${words[start]!.text} has no condition behind it`, { word: words[start] });
  const alternatives: Condition[] = [];
  let terms: Condition[] = [];
  let negated = false;
  let isBroken = false;
  let index = start + 1;
  while (index < words.length) {
    let word = words[index]!;
    if (/^(?:or|\|\|)$/i.test(word.text)) {
      alternatives.push(and(terms));
      terms = [];
      index += 1;
      continue;
    }
    while (word.text.startsWith("!")) {
      negated = !negated;
      word = { text: word.text.slice(1), column: word.column + 1 };
    }
    index += 1;
    if (word.text === "") continue;
    const [term, next] = word.text === "{" ? anonymous(words, index, scope) : [named(word, scope), index];
    index = next;
    if (term === undefined) isBroken = true;
    else terms.push(negated ? not(term) : term);
    negated = false;
  }
  if (isBroken) return undefined;
  const condition = inSection(or([...alternatives, and(terms)]), scope.section);
  return words[start]!.text === "unless" ? not(condition) : condition;
}

/** `{ path_beg /x }` from behind its brace; also the index behind it. */
function anonymous(words: readonly Word[], start: number, { files, criteria }: Scope): [Condition, number] {
  const end = words.findIndex((word, index) => index >= start && word.text === "}");
  if (end < 0)
    return invalid("the condition's '{' has no '}' (with a space before it)", { word: words[start - 1] });
  const texts = words.slice(start, end).map((word) => word.text);
  return [
    located(words[start] ?? words[start - 1]!, () => (criteria?.read ?? readCriterion)(texts, files)),
    end + 1,
  ];
}

function named(word: Word, { acls, files, criteria }: Scope): Condition | undefined {
  if (acls.has(word.text)) return acls.get(word.text);
  const own = criteria?.predefined.get(word.text);
  if (criteria && own) return located(word, () => criteria.read(own, files));
  const criterion = predefined.get(word.text);
  if (criterion) return readCriterion(criterion, files);
  const reason = unseen.get(word.text);
  if (reason !== undefined) return unsupported(reason, `Remove ${word.text}, or the rule.`, word);
  throw new StatementProblem({
    code: "reference-unknown",
    message: `no acl is named ${JSON.stringify(word.text)} in this section`,
    mistyped: { name: word.text, known: acls.keys() },
    word,
  });
}

/** Problems point at the criterion rather than at the statement. */
function located<T>(word: Word, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof StatementProblem)) throw error;
    throw new StatementProblem({ ...error.details, word: error.details.word ?? word });
  }
}

/** `acl name criterion …`, added to those before: lines of one name are alternatives. Throws `StatementProblem`. */
export function readAcl(
  words: readonly Word[],
  acls: Map<string, Condition[] | undefined>,
  files: NamedFiles,
  criteria?: Criteria,
): void {
  const name = words[1];
  if (!name || words.length < 3) return invalid("expected `acl <name> <criterion> [flags] [patterns]`");
  if (!/^[\w.:-]+$/.test(name.text))
    return invalid(`${JSON.stringify(name.text)} is no name of an acl`, { word: name });
  const before = acls.has(name.text) ? acls.get(name.text) : [];
  // So that conditions which name it are not reported again, should the criterion be unreadable.
  acls.set(name.text, undefined);
  const texts = words.slice(2).map((word) => word.text);
  const condition = located(words[2]!, () => (criteria?.read ?? readCriterion)(texts, files));
  if (!before) return;
  before.push(condition);
  acls.set(name.text, before);
}
