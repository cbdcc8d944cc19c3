// `option forwardfor header NAME`: the client's address under a name of the user's own. X-Forwarded-For is written anyway.
import { parseCondition, type Scope } from "../condition/parse-condition.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import type { Word } from "../split-words.ts";
import type { Statement } from "../statement.ts";
import type { Draft, Situation, Step } from "./program.ts";

type Change = (situation: Situation) => Draft;

interface ForwardedFor {
  /** Lower case. */
  readonly name: string;
  readonly except?: string;
  readonly ifNone: boolean;
}

/** The step that adds the header, behind all rules of the proxy. */
export function forwardedForSteps(
  proxy: Proxy,
  scope: Scope,
  addHeader: (statement: Statement, end: number) => Change,
  notes: Notes,
): Step[] {
  const option = settingOf(proxy, "option", "forwardfor");
  if (!option) return [];
  return attempt(option, notes, () => stepsOf(option, readOption(option), scope, addHeader)) ?? [];
}

function readOption(option: Statement): ForwardedFor {
  let read: ForwardedFor = { name: "x-forwarded-for", ifNone: false };
  for (const { name, word, argument } of keywordsOf(option, 2)) {
    if (name === "header") read = { ...read, name: argument().toLowerCase() };
    else if (name === "except") read = { ...read, except: argument() };
    else if (name === "if-none") read = { ...read, ifNone: true };
    else invalid(`expected except, header or if-none; found ${JSON.stringify(name)}`, { word });
  }
  return read;
}

function stepsOf(
  option: Statement,
  { name, except, ifNone }: ForwardedFor,
  scope: Scope,
  addHeader: (statement: Statement, end: number) => Change,
): Step[] {
  if (name === "x-forwarded-for") return [];
  const { column } = option.words[0]!;
  const words = (texts: readonly string[]): Word[] => texts.map((text) => ({ text, column }));
  const statement = { ...option, words: words(["http-request", "add-header", name, "%[src]"]) };
  const tests = [
    ...(except === undefined ? [] : [`!{ src ${except} }`]),
    ...(ifNone ? [`!{ req.hdr(${name}) -m found }`] : []),
  ];
  const condition = parseCondition(
    words(["if", ...tests.join(" ").split(" ")]),
    tests.length > 0 ? 0 : -1,
    scope,
  );
  if (!condition) return [];
  const add = addHeader(statement, 4);
  const done = `forwarded-for:${name}`;
  // The frontend's and the backend's option are one: the header is added once.
  const change: Change = (situation) => {
    if (situation.draft.changes.has(done)) return situation.draft;
    const draft = add(situation);
    return { ...draft, changes: new Map(draft.changes).set(done, "on") };
  };
  return [{ statement: option, condition, effect: { kind: "change", change } }];
}
