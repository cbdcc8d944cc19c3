// What `http-response` and `http-after-response` rules do.
import type { ResponseMatch } from "#contract/response-match.ts";
import { statusesOf, statusSchema } from "#contract/status-match.ts";
import type { Condition } from "../condition/condition.ts";
import { replyOf } from "../action/answer.ts";
import { headerAction, replaceInPlace, type Direction } from "../action/header-action.ts";
import { redirectWords } from "../action/redirect.ts";
import { wording } from "../action/reply.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { countingEffect, isCountingAction } from "./counting-steps.ts";
import type { Draft, Effect, Override, Situation } from "./program.ts";
import type { Reading } from "./read-program.ts";
import { choiceOf } from "./refusals.ts";
import { everyResponse, headersRead, statusesRead } from "./response-cases.ts";
import { variableChange } from "./variable.ts";
import { responseStatusKey } from "../condition/changes.ts";

export type ResponseKeyword = "http-response" | "http-after-response";

/** Actions that come to the same when they are taken twice. */
export const isRepeatable = (statement: Statement): boolean =>
  !/^(?:add-header|replace-|sc-)/.test(wordAt(statement, 1));

/** The effect of a rule with tests of the status. */
export function seeingStatus(effect: Effect, condition: Condition): Effect {
  if (effect.kind !== "change") return effect;
  const read = statusesRead(condition);
  const change = (situation: Situation): Draft => {
    refuseNewStatuses(read, situation.draft.statusChanges);
    return effect.change(situation);
  };
  return { ...effect, change };
}

/** Every rule is told the status that the response had at first. */
function refuseNewStatuses(read: readonly ReadonlySet<number>[], changes: readonly Override[]): void {
  for (const { match, response } of changes) {
    const { statusCode = 0 } = response;
    const before = match.statusCodes.flatMap(statusesOf);
    if (read.some((codes) => before.some((status) => codes.has(status) !== codes.has(statusCode)))) {
      unsupported(
        `the rule tests the status that an earlier set-status changes to ${statusCode}`,
        "Move it in front of that rule, with the status that the server gives.",
      );
    }
  }
}

/** `http-response` rules run after the backend has answered; what they do, and for which responses, is known before. */
export function responseEffect(
  statement: Statement,
  end: number,
  keyword: ResponseKeyword,
  reading: Reading,
  match?: ResponseMatch,
): Effect {
  const action = wordAt(statement, 1);
  if (isCountingAction(statement)) return countingEffect(statement, 1, match ?? {});
  switch (action.replace(/\(.*$/s, "")) {
    case "allow":
      return { kind: "leave" };
    case "set-var":
    case "set-var-fmt":
    case "unset-var":
      if (match)
        return unsupported(
          "variables cannot depend on a response",
          "Write the value into the rule that uses it.",
        );
      return { kind: "change", change: variableChange(statement, 1, "response") };
    case "set-status":
      return statusChange(statement, keyword, match);
    case "deny":
    case "return": {
      const choice = choiceOf(statement, end, reading, action === "deny" ? 502 : undefined);
      return replacing(match, (situation) => {
        const { status, ...texts } = replyOf(choice, situation);
        return { statusCode: status, ...wording(texts, situation) };
      });
    }
    case "redirect":
      return replacing(match, redirectWords(statement, 2, end));
    case "replace-header":
    case "replace-value":
      return {
        kind: "change",
        change: replaceInPlace(statement, end, directionOf(keyword), reading.notes, match),
      };
    default: {
      const direction = directionOf(keyword);
      return { kind: "change", change: headerAction(statement, end, direction, reading.notes, match) };
    }
  }
}

function directionOf(keyword: ResponseKeyword): Direction {
  return keyword === "http-response" ? "response" : "after";
}

/** Whatever the backend has answered is thrown away. */
function replacing(
  match: ResponseMatch | undefined,
  wordsFor: (situation: Situation) => Override["response"],
): Effect {
  const change = (situation: Situation): Draft => {
    const { draft } = situation;
    const response = { ...wordsFor(situation), keepHeaders: false };
    const override: Override = { match: overrideMatch(match, draft), source: "Backend", response };
    return { ...draft, overrides: [...draft.overrides, override] };
  };
  return { kind: "change", change };
}

/** `set-status <status> [reason <text>]`: all else of the response stays. */
function statusChange(
  statement: Statement,
  keyword: ResponseKeyword,
  match: ResponseMatch | undefined,
): Effect {
  const text = wordAt(statement, 2);
  const status = statusSchema.safeParse(Number(text));
  if (!status.success) {
    if (/^[1-9][0-9]{2}$/.test(text))
      return unsupported(`responses have a status from 200 to 599, not ${text}`);
    return invalid(`expected a status from 200 to 599; found ${JSON.stringify(text)}`, {
      word: statement.words[2],
    });
  }
  const change = ({ draft }: Situation): Draft => {
    const override: Override = {
      match: overrideMatch(match, draft),
      // What is answered here is not for http-response.
      source: keyword === "http-response" ? "Backend" : "All",
      response: { statusCode: status.data, keepBody: true },
    };
    const statuses = new Set(override.match.statusCodes.flatMap(statusesOf));
    if (draft.overrides.some(({ response }) => statuses.has(response.statusCode ?? 0))) {
      unsupported(
        "the status of what an earlier rule answers is not changed",
        "Answer with the status that is wanted.",
      );
    }
    const changes = new Map(draft.changes).set(responseStatusKey, match ? undefined : String(status.data));
    // The last one that is for a response counts.
    return { ...draft, changes, statusChanges: [override, ...draft.statusChanges] };
  };
  return { kind: "change", change };
}

/** Pages are chosen by the headers that the backend has given. */
function overrideMatch(
  match: ResponseMatch | undefined,
  { responseHeaders, laterHeaders }: Draft,
): Override["match"] {
  const changed = new Set([...responseHeaders.keys(), ...laterHeaders.map(({ name }) => name)]);
  const name = headersRead(match).find((read) => changed.has(read));
  if (name !== undefined) {
    return unsupported(
      `the response is replaced because of ${name}, which another rule changes`,
      "Move it in front of the rule that changes the header.",
    );
  }
  return { ...match, statusCodes: [...(match?.statusCodes ?? everyResponse)] };
}
