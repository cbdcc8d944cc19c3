// Time-outs and attempts elsewhere, and what is said about the rest of how nginx proxies.
import type { RulePolicies } from "../rule-parts.ts";
import { formatDuration } from "../../duration-text.ts";
import type { Annotations } from "./annotations.ts";

type Retry = NonNullable<RulePolicies["retry"]>;
type Triggers = NonNullable<NonNullable<Retry["retryOn"]>["triggers"]>;

/** ingress-nginx's `proxy-read-timeout`. */
const readTimeoutS = 60;

export function readProxying(annotations: Annotations): RulePolicies {
  noteOthers(annotations);
  const wanted = secondsOf("proxy-read-timeout", annotations);
  const readTimeout = formatDuration((wanted || readTimeoutS) * 1_000);
  const retry = readRetry(annotations);
  return {
    // Between two pieces of a body only where it is asked for: that timer costs, and 60 s are nobody's wish.
    timeouts: { backendHead: readTimeout, ...(wanted !== undefined && { streamIdle: readTimeout }) },
    ...(retry && { retry }),
  };
}

/** ingress-nginx passes over what is no number, and its own value holds. */
export function secondsOf(name: string, annotations: Annotations): number | undefined {
  const text = annotations.text(name);
  if (text === undefined || /^\d{1,9}$/.test(text)) return annotations.integer(name);
  annotations.ignored(
    name,
    `${JSON.stringify(text.slice(0, 80))} is no whole number of seconds, so ingress-nginx's own value holds`,
  );
  return undefined;
}

function noteOthers(annotations: Annotations): void {
  const sendTimeout = secondsOf("proxy-send-timeout", annotations);
  if (sendTimeout !== undefined && sendTimeout !== 60) {
    annotations.ignored(
      "proxy-send-timeout",
      "only the time until a response begins and between its pieces is limited",
    );
  }
}

/** What nginx's conditions are among Envoy's. */
const triggersOf: ReadonlyMap<string, Triggers> = new Map(
  Object.entries({
    error: ["connect-failure", "reset"],
    // Also of connecting.
    timeout: ["connect-failure", "reset"],
    invalid_header: ["reset"],
  }),
);
const statusOf = /^http_(403|404|429|500|502|503|504)$/;

function readRetry(annotations: Annotations): Retry | undefined {
  const conditions = annotations.text("proxy-next-upstream");
  const tries = annotations.integer("proxy-next-upstream-tries");
  if ((annotations.integer("proxy-next-upstream-timeout") ?? 0) > 0) {
    annotations.ignored("proxy-next-upstream-timeout", "attempts are limited in number, not in time");
  }
  if (conditions === undefined && tries === undefined) return undefined;
  const words = (conditions ?? "error timeout").split(/\s+/);
  if (words.includes("off") || tries === 1) return { numRetries: 0 };
  const triggers = new Set<Triggers[number]>();
  const httpStatusCodes: number[] = [];
  for (const word of words) {
    const status = statusOf.exec(word)?.[1];
    if (status !== undefined) httpStatusCodes.push(Number(status));
    else if (triggersOf.has(word)) for (const trigger of triggersOf.get(word)!) triggers.add(trigger);
    else if (word === "non_idempotent") {
      annotations.approximated(
        "proxy-next-upstream",
        "a POST that may have arrived is never sent again, whatever is configured",
      );
    } else annotations.invalid("proxy-next-upstream", "conditions of proxy_next_upstream");
  }
  if (httpStatusCodes.length > 0) triggers.add("retriable-status-codes");
  return {
    // 0 is as many as there are endpoints.
    numRetries: tries === undefined ? 2 : tries === 0 ? 10 : Math.min(tries - 1, 10),
    retryOn: { triggers: [...triggers], ...(httpStatusCodes.length > 0 && { httpStatusCodes }) },
  };
}
