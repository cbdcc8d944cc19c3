// What `http-response` and `http-after-response` rules do.
import type { StatusMatch } from "#contract/status-match.ts";
import { replyOf } from "../action/answer.ts";
import { headerAction, replaceInPlace, type Direction } from "../action/header-action.ts";
import { redirectWords } from "../action/redirect.ts";
import { wording } from "../action/reply.ts";
import { unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { Effect, Override, Situation } from "./program.ts";
import type { Reading } from "./read-program.ts";
import { choiceOf } from "./refusals.ts";
import { everyResponse } from "./response-status.ts";
import { variableChange } from "./variable.ts";

export type ResponseKeyword = "http-response" | "http-after-response";

/** `http-response` rules run after the backend has answered; what they do, and for which statuses, is known before. */
export function responseEffect(
  statement: Statement,
  end: number,
  keyword: ResponseKeyword,
  reading: Reading,
  statuses?: readonly StatusMatch[],
): Effect {
  const action = wordAt(statement, 1);
  switch (action.replace(/\(.*$/s, "")) {
    case "allow":
      return statuses ? unsupported("what is allowed cannot depend on a status") : { kind: "leave" };
    case "set-var":
    case "set-var-fmt":
    case "unset-var":
      if (statuses) return unsupported("variables cannot depend on a status");
      return { kind: "change", change: variableChange(statement, 1, "response") };
    case "deny":
    case "return": {
      const choice = choiceOf(statement, end, reading, action === "deny" ? 502 : undefined);
      return replacing(statuses, (situation) => {
        const { status, ...texts } = replyOf(choice, situation);
        return { statusCode: status, ...wording(texts, situation) };
      });
    }
    case "redirect":
      return replacing(statuses, redirectWords(statement, 2, end));
    case "replace-header":
    case "replace-value":
      return {
        kind: "change",
        change: replaceInPlace(statement, end, directionOf(keyword), reading.notes, statuses),
      };
    default: {
      const direction = directionOf(keyword);
      return { kind: "change", change: headerAction(statement, end, direction, reading.notes, statuses) };
    }
  }
}

function directionOf(keyword: ResponseKeyword): Direction {
  return keyword === "http-response" ? "response" : "after";
}

/** Whatever the backend has answered is thrown away. */
function replacing(
  statuses: readonly StatusMatch[] = everyResponse,
  wordsFor: (situation: Situation) => Override["response"],
): Effect {
  const change = (situation: Situation): Situation["draft"] => {
    const response = { ...wordsFor(situation), keepHeaders: false };
    const override: Override = { match: { statusCodes: [...statuses] }, source: "Backend", response };
    return { ...situation.draft, overrides: [...situation.draft.overrides, override] };
  };
  return { kind: "change", change };
}
