// Each condition of the Gateway API with each of its reasons is shown by a case of the corpus, or it is said why it never is;
// docs/gateway-api-conditions.md is what this finds.
// `UPDATE_CONDITIONS=1 vitest run --project e2e test/gateway-api-conditions.test.ts` writes it.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import type { Condition, ObjectStatus } from "#config/kubernetes/object-status.ts";
import { conditionReasons, type Subject } from "./conformance/conditions.ts";
import { readCases } from "./corpus/read-cases.ts";

/** The first case that shows each. */
const shown = new Map<string, string>();
for (const { name, files } of readCases("gateway-api")) {
  for (const status of loadConfig(files).statuses ?? []) {
    for (const [subject, { type, reason }] of conditionsOf(status)) {
      const key = keyOf({ subject, type, reason });
      if (!shown.has(key)) shown.set(key, name);
    }
  }
}

function conditionsOf({ kind, status }: ObjectStatus): [Subject, Condition][] {
  const isSet = kind.endsWith("ListenerSet");
  const listener = isSet ? "listener of a ListenerSet" : "listener";
  const own = isSet ? "ListenerSet" : (kind as Subject);
  const ancestor = kind === "BackendTLSPolicy" ? kind : "policy";
  const { conditions = [], listeners = [], parents = [], ancestors = [] } = status;
  const as =
    (subject: Subject) =>
    (condition: Condition): [Subject, Condition] => [subject, condition];
  return [
    ...conditions.map(as(own)),
    ...listeners.flatMap((one) => one.conditions.map(as(listener))),
    ...parents.flatMap((one) => one.conditions.map(as("route"))),
    ...ancestors.flatMap((one) => one.conditions.map(as(ancestor))),
  ];
}

function keyOf({ subject, type, reason }: { subject: Subject; type: string; reason: string }): string {
  return `${subject}: ${type} ${reason}`;
}

test("a reason that is written here has a case, and one that is not is never written", () => {
  const isShown = conditionReasons.map((one) => [keyOf(one), shown.has(keyOf(one))]);
  expect(isShown).toEqual(conditionReasons.map((one) => [keyOf(one), one.absent === undefined]));
});

test("no case has a condition that is not in the table", () => {
  const known = new Set(conditionReasons.map(keyOf));
  expect([...shown.keys()].filter((key) => !known.has(key))).toEqual([]);
});

test("docs/gateway-api-conditions.md says the same", () => {
  const path = resolve(import.meta.dirname, "../docs/gateway-api-conditions.md");
  const rows = conditionReasons.map((one) => {
    const where = one.absent ?? `\`test/corpus/${shown.get(keyOf(one))}\``;
    return `| ${one.subject} | ${one.type} | ${one.reason} | ${one.absent === undefined ? where : `never: ${where}`} |`;
  });
  const text = `# Conditions of the Gateway API

What \`isthmus validate --status\` writes, by the conditions and reasons of the standard's Go types (\`apis/v1\`, August 2026), each
with a case that shows it, or why it is never written. \`test/gateway-api-conditions.test.ts\` compares this page with the cases.

| of | type | reason | shown by |
|---|---|---|---|
${rows.join("\n")}
`;
  if (process.env["UPDATE_CONDITIONS"] === "1") writeFileSync(path, text);
  expect(readFileSync(path, "utf8")).toBe(text);
});
