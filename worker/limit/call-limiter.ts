// Calls a RateLimiter of this region, in this process or account or in another one.
import { objectUrl } from "#contract/object-path.ts";
import { type LimiterAnswer, limiterAnswerSchema, type LimiterCall } from "#contract/limiter-call.ts";
import { limits } from "#contract/limits.ts";
import type { Env } from "../env.ts";
import { objectFetch } from "../objects.ts";

/** `limiter`: its number, below `limits.rateLimiters`. Rejects when there is no good answer in time. */
export async function callLimiter(env: Env, limiter: number, call: LimiterCall): Promise<LimiterAnswer> {
  const name = `${env.REGION ?? "default"}:${limiter}`;
  const request = new Request(objectUrl("RateLimiter", name, "/ask"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(call),
    signal: AbortSignal.timeout(limits.limiterCallMs),
  });
  const response = await objectFetch(env, "RateLimiter", name, request);
  if (!response.ok) throw new Error(`RateLimiter ${limiter} answered ${response.status}`);
  return limiterAnswerSchema.parse(await response.json());
}
