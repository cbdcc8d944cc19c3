// Every statement is looked up: unknown and misplaced ones, and those that have no equivalent, are noted here; what is
// left is for the translators.
import {
  errorSectionKeywords,
  globalKeywords,
  layered,
  nested,
  otherSections,
  proxyKeywords,
  userListKeywords,
  type Policy,
  type PolicyTable,
} from "./keyword-policy.ts";
import type { Notes } from "./notes.ts";
import { sectionKinds, wordAt, type Section, type SectionKind, type Statement } from "./statement.ts";

/** Keywords that only some kinds of proxies may have. */
const homes: Readonly<Record<string, readonly SectionKind[]>> = {
  bind: ["frontend", "listen"],
  use_backend: ["frontend", "listen"],
  "monitor-uri": ["defaults", "frontend", "listen"],
  default_backend: ["defaults", "frontend", "listen"],
  server: ["backend", "listen"],
  "server-template": ["backend", "listen"],
  "use-server": ["backend", "listen"],
  stick: ["backend", "listen"],
  balance: ["defaults", "backend", "listen"],
  "hash-type": ["defaults", "backend", "listen"],
  "hash-balance-factor": ["defaults", "backend", "listen"],
  cookie: ["defaults", "backend", "listen"],
  "http-check": ["defaults", "backend", "listen"],
  "default-server": ["defaults", "backend", "listen"],
};

/** Leaves statements in each section that a translator reads. */
export function checkKeywords(sections: readonly Section[], notes: Notes): Section[] {
  return sections.map((section) => {
    const other = otherSections[section.kind];
    if (other) {
      notePolicy(section.heading, other, notes);
      return { ...section, statements: [] };
    }
    const statements = section.statements.filter((statement) => isTranslated(section.kind, statement, notes));
    return { ...section, statements };
  });
}

function isTranslated(kind: SectionKind, statement: Statement, notes: Notes): boolean {
  const first = wordAt(statement, 0);
  if (kind === "global") {
    if (/^(?:tune|thread|ocsp-update|profiling|httpclient)\./.test(first)) return false;
    return isTranslatedBy(globalKeywords, first, statement, 0, notes);
  }
  if (kind === "http-errors") return isTranslatedBy(errorSectionKeywords, first, statement, 0, notes);
  if (kind === "userlist") return isTranslatedBy(userListKeywords, first, statement, 0, notes);
  // Both also stand for options in front of conditions: `no option httpclose`.
  if (!isTranslatedBy(proxyKeywords, first, statement, 0, notes)) return false;
  const home = homes[first];
  if (home && !home.includes(kind)) {
    const message = `"${first}" does not belong into a ${kind} section`;
    notes.add(statement, {
      code: "keyword-misplaced",
      message,
      remedy: `It belongs into: ${home.join(", ")}.`,
    });
    return false;
  }
  const inner = nested[first];
  if (!inner) return true;
  // `set-var(txn.x)`, `sc-inc-gpc0(0)`.
  const second = actionAt(statement, 1);
  if (statement.prefix && first === "option") return isKnownOption(inner, second, statement, notes);
  if (!isTranslatedBy(inner, second, statement, 1, notes)) return false;
  const actions = layered[first];
  // A time stands behind it.
  if (!actions || second === "inspect-delay") return true;
  return isTranslatedBy(actions, actionAt(statement, 2), statement, 2, notes);
}

/** Without arguments, and of the counters, of which there may be many, without their number. */
function actionAt(statement: Statement, index: number): string {
  return wordAt(statement, index)
    .replace(/\(.*$/s, "")
    .replace(/^(track-sc)[0-9]+$/, "$1");
}

/** `no option x` switches off what would otherwise be noted. */
function isKnownOption(options: PolicyTable, name: string, statement: Statement, notes: Notes): boolean {
  const policy = options.get(name);
  if (policy) return policy.kind === "translated";
  return isTranslatedBy(options, name, statement, 1, notes);
}

function isTranslatedBy(
  table: PolicyTable,
  name: string,
  statement: Statement,
  index: number,
  notes: Notes,
): boolean {
  const policy = table.get(name) ?? (name.startsWith("lua.") ? luaPolicy(wordAt(statement, 0)) : undefined);
  if (policy) {
    notePolicy(statement, policy, notes);
    return policy.kind === "translated";
  }
  const isMissing = name === "";
  notes.add(statement, {
    code: isMissing ? "argument-invalid" : "keyword-unknown",
    message: isMissing ? "the statement breaks off" : `${JSON.stringify(name)} is no keyword here`,
    word: statement.words[index] ?? statement.words[0],
    ...(!isMissing && {
      mistyped: { name, known: index === 0 ? [...table.keys(), ...sectionKinds] : table.keys() },
    }),
  });
  return false;
}

/** An action of the user's own code: what it does to requests is not known. */
function luaPolicy(keyword: string): Policy {
  const message = "Lua does not run here";
  return { kind: keyword.startsWith("http-response") ? "ignored" : "unsupported", message };
}

function notePolicy(statement: Statement, policy: Policy, notes: Notes): void {
  if (policy.kind !== "ignored" && policy.kind !== "unsupported") return;
  const { message, remedy } = policy;
  const code = policy.kind === "ignored" ? "statement-ignored" : "statement-unsupported";
  notes.add(statement, { code, message, ...(remedy !== undefined && { remedy }) });
}
