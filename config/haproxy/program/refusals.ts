// `deny`, `return` and `tarpit`, at once, late, or for bodies that are too long.
import { answerAction, pageFor, replyOf } from "../action/answer.ts";
import { escapeFormat } from "../action/format.ts";
import { readReply, type ReplyChoice } from "../action/read-reply.ts";
import { replyFilter, wording } from "../action/reply.ts";
import type { Condition } from "../condition/condition.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import { settingOf } from "../proxy.ts";
import { unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { silence } from "./error-pages.ts";
import type { Effect, Filter, Override, Situation, Step } from "./program.ts";
import type { Reading } from "./read-program.ts";

/** Status unless words say another; all but `return` have its page where there are no words. */
const defaultStatus: Readonly<Record<string, number>> = { deny: 403, return: 200, tarpit: 500 };

/** What an action of `http-request` or `http-response` answers. Throws `StatementProblem`. */
export function choiceOf(
  statement: Statement,
  end: number,
  { library, notes }: Reading,
  status: number = defaultStatus[wordAt(statement, 1)]!,
): ReplyChoice {
  const hasPage = wordAt(statement, 1) !== "return";
  const choice = readReply(statement, [2, end], { status, hasPage }, library);
  if (choice.kind === "silence") silence(choice.status, statement, notes);
  return choice;
}

export function answerEffect(statement: Statement, end: number, reading: Reading): Effect {
  return { kind: "answer", filters: answerAction(choiceOf(statement, end, reading)) };
}

/** The answer comes late. */
export function tarpit(statement: Statement, end: number, reading: Reading): Effect {
  const { proxy } = reading;
  const choice = choiceOf(statement, end, reading);
  const time = settingOf(proxy, "timeout", "tarpit") ?? settingOf(proxy, "timeout", "connect");
  const delayMs = time ? readDurationMs(time.words[2]) : 0;
  const delay = delayMs > 0 && { delay: { fixedDelay: formatDuration(Math.min(delayMs, 300_000)) } };
  const filters = (situation: Situation): Filter[] => {
    const { status, ...texts } = replyOf(choice, situation);
    const fault: Filter = {
      type: "FaultInjection",
      faultInjection: { ...delay, abort: { httpStatus: status } },
    };
    const response = wording(texts, situation);
    if (Object.keys(response).length === 0) return [fault];
    const match = { statusCodes: [{ type: "Value" as const, value: status }] };
    return [fault, { type: "ResponseOverride", responseOverride: [{ match, source: "Local", response }] }];
  };
  return { kind: "answer", filters };
}

/** Longer bodies are refused as they come in, whether they are announced or not. */
export function sizeStep(
  statement: Statement,
  end: number,
  bytes: number,
  condition: Condition,
  reading: Reading,
): Step {
  const action = wordAt(statement, 1);
  if (action !== "deny" && action !== "return") {
    return unsupported("longer bodies are refused with deny or return", "Write `http-request deny`.");
  }
  const choice = choiceOf(statement, end, reading);
  const change = (situation: Situation): Situation["draft"] => {
    const { draft } = situation;
    if (draft.bodyBytes !== undefined && draft.bodyBytes <= bytes) return draft;
    const { status, ...texts } = replyOf(choice, situation);
    const match = { statusCodes: [{ type: "Value" as const, value: 413 }] };
    const response = { statusCode: status, ...wording(texts, situation) };
    const overrides: Override[] = [{ match, source: "Local", response }, ...draft.overrides];
    return { ...draft, bodyBytes: bytes, overrides };
  };
  return { statement, condition, effect: { kind: "change", change } };
}

/** `auth` without a look at a userlist: nobody's password will do. */
export function askForPassword(statement: Statement, { proxy }: Reading): Effect {
  const realm = wordAt(statement, 2) === "realm" ? wordAt(statement, 3) : proxy.name;
  const challenge = { name: "WWW-Authenticate", value: `Basic realm="${escapeFormat(realm)}"` };
  const filters = (situation: Situation): Filter[] => {
    const page = pageFor(401, situation.pages);
    return [replyFilter({ ...page, headers: [...page.headers, challenge] }, situation)];
  };
  return { kind: "answer", filters };
}
