// What a backend says about the requests to it, and the model says at its rules: timeouts, retries, persistence.
import type { NativeConfigInput } from "../../native/schema.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import { translateCookie } from "./cookie.ts";

export type RuleInput = NonNullable<NonNullable<NativeConfigInput["routes"]>[number]["rules"]>[number];
export type RulePolicies = Pick<RuleInput, "timeouts" | "retry" | "sessionPersistence">;
type Triggers = NonNullable<NonNullable<NonNullable<RuleInput["retry"]>["retryOn"]>["triggers"]>;

/** Most further attempts of the model. */
const maxRetries = 10;

export function translateRulePolicies(proxy: Proxy, notes: Notes): RulePolicies {
  const server = settingOf(proxy, "timeout", "server");
  const silentMs = server && attempt(server, notes, () => readDurationMs(server.words[2]));
  const tunnel = settingOf(proxy, "timeout", "tunnel");
  if (tunnel) {
    const message = "upgraded connections are not closed when idle";
    notes.add(tunnel, { code: "statement-ignored", message });
  }
  const retries = settingOf(proxy, "retries");
  const retry = retries && attempt(retries, notes, () => translateRetries(retries, proxy));
  const cookie = settingOf(proxy, "cookie");
  const session = cookie && attempt(cookie, notes, () => translateCookie(cookie));
  return {
    ...(silentMs !== undefined && silentMs > 0 && { timeouts: { backendHead: formatDuration(silentMs) } }),
    ...(retry && { retry }),
    ...(session && { sessionPersistence: session }),
  };
}

function translateRetries(statement: Statement, proxy: Proxy): NonNullable<RuleInput["retry"]> {
  const text = wordAt(statement, 1);
  if (!/^[0-9]{1,6}$/.test(text))
    return invalid(`expected a number of retries; found ${JSON.stringify(text)}`);
  const numRetries = Math.min(Number(text), maxRetries);
  const reasons = settingOf(proxy, "retry-on");
  const { triggers, codes } = reasons ? readReasons(wordsFrom(reasons, 1)) : { triggers: [], codes: [] };
  const all: Triggers = [...new Set<Triggers[number]>(["connect-failure", ...triggers])];
  return {
    numRetries,
    retryOn: {
      triggers: codes.length > 0 ? [...all, "retriable-status-codes"] : all,
      ...(codes.length > 0 && { httpStatusCodes: codes }),
    },
  };
}

function readReasons(words: readonly string[]): { triggers: Triggers; codes: number[] } {
  const triggers: Triggers = [];
  const codes: number[] = [];
  for (const word of words) {
    if (/^[45][0-9]{2}$/.test(word)) codes.push(Number(word));
    else if (word === "empty-response" || word === "junk-response") triggers.push("reset");
    else if (word === "all-retryable-errors") {
      triggers.push("reset");
      codes.push(500, 502, 503, 504);
    }
  }
  return { triggers, codes };
}
