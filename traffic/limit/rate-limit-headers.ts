// RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11) as structured fields (RFC 9651), Retry-After
// (RFC 9110 §10.2.3) and the draft's quota-exceeded problem (§5.1, RFC 9457).
import type { Limit } from "#contract/rate-limit.ts";
import { capacity } from "./spend.ts";

/** One limit's answer to a request. */
export interface LimitReport {
  readonly name: string;
  readonly limit: Limit;
  readonly allowed: boolean;
  readonly remaining: number;
  readonly retryAfterMs: number;
  readonly resetAfterMs: number;
}

/** `"name";q=100;w=60` per policy: the same on every response, so compute it once per rule. */
export function rateLimitPolicyField(policies: readonly { name: string; limit: Limit }[]): string {
  return policies
    .map(({ name, limit }) => {
      // The window is in whole seconds (§3.1.3); a window that is not gets its quota for the next whole number of them.
      const windowS = Math.ceil(limit.windowMs / 1_000);
      const quota = Math.floor((limit.requests * windowS * 1_000) / limit.windowMs);
      return `${sfString(name)};q=${quota};w=${windowS}`;
    })
    .join(", ");
}

/** `"name";r=50;t=30` per limit. */
export function rateLimitField(reports: readonly LimitReport[]): string {
  return reports
    .map((report) => `${sfString(report.name)};r=${report.remaining};t=${effectiveWindowS(report)}`)
    .join(", ");
}

/** Seconds after which a refused request may be repeated: the end of the longest effective window of the limits that refused. */
export function retryAfterField(reports: readonly LimitReport[]): string {
  const refused = reports.filter(({ allowed }) => !allowed);
  return String(Math.max(1, ...refused.map(effectiveWindowS)));
}

export interface QuotaExceededProblem {
  readonly type: "https://iana.org/assignments/http-problem-types#quota-exceeded";
  readonly title: string;
  readonly status: 429;
  readonly "violated-policies": readonly string[];
}

export function quotaExceededProblem(reports: readonly LimitReport[]): QuotaExceededProblem {
  return {
    type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
    title: "Request cannot be satisfied as assigned quota has been exceeded",
    status: 429,
    "violated-policies": reports.filter(({ allowed }) => !allowed).map(({ name }) => name),
  };
}

/** Longest span that is told; Infinity (a cost above the capacity) has no other number. */
const longestS = 366 * 86_400;

/**
 * Seconds in which no more than the remaining units can be used (§4.1.2). Of a token bucket that is at least as long as the
 * units last at the policy's rate, so that a client that divides the two does not come to a higher rate (§8.5).
 */
function effectiveWindowS({ limit, allowed, remaining, retryAfterMs, resetAfterMs }: LimitReport): number {
  const lastsMs =
    limit.algorithm === "TokenBucket"
      ? Math.min(remaining, capacity(limit)) * (limit.windowMs / limit.requests)
      : 0;
  const spanMs = allowed ? Math.max(resetAfterMs, lastsMs) : retryAfterMs;
  return Math.min(longestS, Math.ceil(spanMs / 1_000));
}

/** RFC 9651 §3.3.3. Throws `RangeError` on what a structured string cannot carry. */
function sfString(text: string): string {
  if (!/^[\u0020-\u007E]*$/.test(text)) throw new RangeError(`not printable ASCII: ${JSON.stringify(text)}`);
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
