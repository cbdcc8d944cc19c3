// `capture request header`, `declare capture request` and `http-request capture`: texts of the request that are kept in
// slots, counted from 0 in the order of the file (§8.8). A slot is a variable.
import { always } from "../condition/condition.ts";
import { captureVariable } from "../condition/sample.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import type { Notes } from "../notes.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, type Section, type Statement } from "../statement.ts";
import type { Draft, Situation, Step } from "./program.ts";
import { variableChange } from "./variable.ts";

/** Otherwise captures are for HAProxy's logs. */
export function readsCaptures(sections: readonly Section[]): boolean {
  return sections.some(({ statements }) =>
    statements.some(({ words }) => words.some(({ text }) => text.includes("capture.req.hdr("))),
  );
}

export function isCapture(statement: Statement): boolean {
  return wordAt(statement, 1) === "capture";
}

/** What is kept before any rule runs. */
export function headerCaptures(proxy: Proxy, notes: Notes): Step[] {
  return slotsOf(proxy).flatMap((statement, slot): Step[] => {
    if (wordAt(statement, 0) !== "capture") return [];
    const read = (): Step => {
      const [name, length] = [wordAt(statement, 3), lengthOf(statement, 4)];
      const change = slotChange(statement, slot, `req.fhdr(${name})`, length);
      return { statement, condition: always, effect: { kind: "change", change } };
    };
    return attempt(statement, notes, () => [read()], { harmless: true }) ?? [];
  });
}

/** `http-request capture <expression> len <length>`, or `id <slot>`. Throws `StatementProblem`. */
export function captureChange(statement: Statement, proxy: Proxy): (situation: Situation) => Draft {
  const slots = slotsOf(proxy);
  const expression = wordAt(statement, 2);
  if (wordAt(statement, 3) !== "id") {
    return slotChange(statement, slots.indexOf(statement), expression, lengthOf(statement, 3));
  }
  const slot = wordAt(statement, 4);
  if (!/^[0-9]{1,3}$/.test(slot))
    return invalid(`expected the number of a slot; found ${JSON.stringify(slot)}`);
  const declared = slots[Number(slot)];
  // A backend's slots are those of the frontend in front of it.
  const isDeclared = declared !== undefined && wordAt(declared, 0) === "declare";
  return slotChange(statement, Number(slot), expression, isDeclared ? lengthOf(declared, 3) : undefined);
}

/** The statements that have a slot of their own. */
function slotsOf(proxy: Proxy): Statement[] {
  const all = [
    ...statementsOf(proxy, "capture").filter(
      ({ words }) => words[1]?.text === "request" && words[2]?.text === "header",
    ),
    ...statementsOf(proxy, "declare").filter(
      ({ words }) => words[1]?.text === "capture" && words[2]?.text === "request",
    ),
    ...statementsOf(proxy, "http-request").filter((rule) => isCapture(rule) && wordAt(rule, 3) === "len"),
  ];
  return all.sort((one, other) => one.line - other.line);
}

function lengthOf(statement: Statement, index: number): number {
  const length = wordAt(statement, index + 1);
  if (wordAt(statement, index) === "len" && /^[1-9][0-9]{0,4}$/.test(length)) return Number(length);
  return invalid("expected `len <length>`");
}

function slotChange(
  statement: Statement,
  slot: number,
  expression: string,
  length: number | undefined,
): (situation: Situation) => Draft {
  const { column } = statement.words[0]!;
  const kept = length === undefined ? expression : `${expression},bytes(0,${length})`;
  const words = ["http-request", `set-var(${captureVariable(slot)})`, kept].map((text) => ({ text, column }));
  return variableChange({ ...statement, words }, 1);
}
