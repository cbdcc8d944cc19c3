// What an isolate lets pass of a limit that it cannot ask about: its part, if all isolates are equally busy.
import type { Limit } from "#contract/rate-limit.ts";

/** Together, so many isolates let pass what the limit says, and at most one request each beyond it. */
export function fairShare(limit: Limit, holders: number): Limit {
  return {
    algorithm: "TokenBucket",
    requests: limit.requests,
    windowMs: limit.windowMs * holders,
    burst: Math.max(1, Math.floor((limit.burst ?? limit.requests) / holders)),
  };
}
