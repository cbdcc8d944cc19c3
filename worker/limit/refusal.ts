// What a refused client is told (draft-ietf-httpapi-ratelimit-headers-11, RFC 9110 §10.2.3).
import { GatewayError } from "#contract/error.ts";
import { quotaExceededProblem, rateLimitField, retryAfterField } from "#traffic/limit/rate-limit-headers.ts";
import { type Charge, refuses } from "./charge.ts";

/** Of limits that hold: shadow mode is not for clients to see. */
export function rateLimitHeaders(
  charges: readonly Charge[],
): { readonly ratelimit: string; readonly "ratelimit-policy": string } | undefined {
  const told = charges.filter(({ enforced }) => enforced);
  if (told.length === 0) return undefined;
  const policies = told.map(({ policyField }) => policyField).join(", ");
  return { ratelimit: rateLimitField(told), "ratelimit-policy": policies };
}

/** `charges` has at least one that refuses. `tells`: the client is told of the limits, too. */
export function refusal(charges: readonly Charge[], tells: boolean): GatewayError {
  const refusing = charges.filter(refuses);
  const names = refusing.map(({ name }) => name).join(", ");
  const retryAfter = retryAfterField(refusing);
  if (refusing.every(({ unavailable }) => unavailable)) {
    const headers = { "retry-after": retryAfter };
    return new GatewayError("rate_limiter_unavailable", `limits ${names}`, { answer: { headers } });
  }
  const headers = { ...(tells && rateLimitHeaders(charges)), "retry-after": retryAfter };
  const problem = { ...quotaExceededProblem(refusing) };
  // Where several refuse, the first one that says how.
  const status = refusing.find(({ statusCode }) => statusCode !== undefined)?.statusCode;
  return new GatewayError("rate_limited", `limits ${names}`, {
    answer: { headers, problem, ...(status !== undefined && { status }) },
  });
}
