// The ACLs of a section, for the conditions of its rules.
import { or, type Condition } from "../condition/condition.ts";
import { readAcl, type Scope } from "../condition/parse-condition.ts";
import type { NamedFiles } from "../named-files.ts";
import type { Notes } from "../notes.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { attempt } from "../statement-problem.ts";

export function readScope(proxy: Proxy, files: NamedFiles, notes: Notes): Scope {
  const lines = new Map<string, Condition[] | undefined>();
  for (const statement of statementsOf(proxy, "acl")) {
    attempt(statement, notes, () => readAcl(statement.words, lines, files));
  }
  const acls = new Map([...lines].map(([name, conditions]) => [name, conditions && or(conditions)]));
  return { section: proxy.name, acls, files };
}
