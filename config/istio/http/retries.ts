// `retries` and `timeout`, with what Istio does where a route says nothing of them.
import { retryTriggerSchema } from "#contract/backend-policy.ts";
import { nativeDuration } from "../go-duration.ts";
import type { HttpRetry } from "../kinds/virtual-service.ts";
import { approximated, at, ignored, type Place } from "../../kubernetes/field-notes.ts";
import type { RuleInput } from "./match.ts";

type Retry = NonNullable<RuleInput["retry"]>;
type Trigger = NonNullable<NonNullable<Retry["retryOn"]>["triggers"]>[number];

/** Most further attempts of the model. */
const maxAttempts = 10;

/** `defaultRetryOn`: since Istio 1.24 without status 503. */
const defaultTriggers: Trigger[] = ["connect-failure", "refused-stream", "unavailable", "cancelled"];

/** Every route is tried twice more, unless it says otherwise; `attempts: 0`, and `retries` without it, not at all. */
export function toRetry(retries: HttpRetry | undefined, place: Place): Retry {
  if (!retries) return { numRetries: 2, retryOn: { triggers: [...defaultTriggers] } };
  const { attempts = 0, perTryTimeout, backoff } = retries;
  if (attempts === 0) return { numRetries: 0 };
  if (attempts > maxAttempts) {
    approximated(at(place, "attempts"), `at most ${maxAttempts} further attempts are made`);
  }
  noteChoices(retries, place);
  const timeout = perTryTimeout === undefined ? "0s" : nativeDuration(perTryTimeout);
  const base = backoff === undefined ? "0s" : nativeDuration(backoff);
  const perRetry = {
    ...(timeout !== "0s" && { timeout }),
    ...(base !== "0s" && { backOff: { baseInterval: base } }),
  };
  return {
    numRetries: Math.min(attempts, maxAttempts),
    retryOn: reasonsOf(retries.retryOn ?? "", at(place, "retryOn")),
    ...(Object.keys(perRetry).length > 0 && { perRetry }),
  };
}

function noteChoices({ retryIgnorePreviousHosts, retryRemoteLocalities }: HttpRetry, place: Place): void {
  if (retryIgnorePreviousHosts === false) {
    ignored(at(place, "retryIgnorePreviousHosts"), "another endpoint goes first as long as there is one");
  }
  if (retryRemoteLocalities) {
    ignored(at(place, "retryRemoteLocalities"), "attempts go to any zone as they are");
  }
}

/** Conditions of Envoy, and statuses among them (`parseRetryOn`). */
function reasonsOf(text: string, place: Place): NonNullable<Retry["retryOn"]> {
  const words = text.split(",").map((word) => word.trim());
  const codes = words.filter((word) => /^[0-9]+$/.test(word)).map(Number);
  const httpStatusCodes = codes.filter((code) => code >= 400 && code <= 599);
  if (httpStatusCodes.length < codes.length) ignored(place, "only statuses from 400 to 599 are tried again");
  const triggers = words.filter((word): word is Trigger => retryTriggerSchema.safeParse(word).success);
  // `reset` knows nothing of how far a request came.
  if (words.includes("reset-before-request") && !triggers.includes("reset")) {
    approximated(place, "reset-before-request: only connections that fail are tried again");
    triggers.push("connect-failure");
  }
  const known = new Set<string>([...triggers, "reset-before-request", ""]);
  const unknown = words.filter((word) => !known.has(word) && !/^[0-9]+$/.test(word));
  if (unknown.length > 0) ignored(place, `${unknown.join(", ")}: no such condition here`);
  const all = new Set<Trigger>(text === "" ? defaultTriggers : triggers);
  if (httpStatusCodes.length > 0) all.add("retriable-status-codes");
  else all.delete("retriable-status-codes");
  return { triggers: [...all], ...(httpStatusCodes.length > 0 && { httpStatusCodes }) };
}

export function toTimeouts(timeout: string | undefined): Pick<RuleInput, "timeouts"> {
  const request = timeout === undefined ? "0s" : nativeDuration(timeout);
  return request === "0s" ? {} : { timeouts: { request } };
}
