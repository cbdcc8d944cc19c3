// Isolates for tests of limits: each a Limiter of its own, on the real RateLimiter objects of a region of the test's.
import { env } from "cloudflare:workers";
import { type RuleRateLimit, ruleRateLimitSchema } from "#contract/rate-limit.ts";
import type { Env } from "../env.ts";
import { callLimiter } from "./call-limiter.ts";
import { type Charge, chargeAll, type Gate, type LimitedRequest, refuses } from "./charge.ts";
import { leasedGate } from "./leased-gate.ts";
import { compileLimit } from "./limit-plan.ts";
import { Limiter, type LimiterInputs } from "./limiter.ts";
import { strictGate } from "./strict-gate.ts";

/** With objects of its own. */
export const freshRegion = (): Env => ({ ...(env as unknown as Env), REGION: crypto.randomUUID() });

export const limitOf = (changes: object): RuleRateLimit =>
  ruleRateLimitSchema.parse({ id: "l", name: "l", scope: "global", conditions: {}, ...changes });

export interface TestIsolate {
  readonly limiter: Limiter;
  /** Charges a request to all limits; `key` is its header `x-key`. */
  ask(key?: string): Promise<readonly Charge[]>;
  /** Whether all limits let the request pass. */
  admits(key?: string): Promise<boolean>;
  /** Resolves when everything off the requests' path is done. */
  settled(): Promise<void>;
}

export function testIsolate(
  limits: readonly RuleRateLimit[],
  region: Env | LimiterInputs["call"],
  nowMs: () => number = Date.now,
): TestIsolate {
  const limiter = new Limiter({
    holder: crypto.randomUUID(),
    nowMs,
    log: () => undefined,
    call: typeof region === "function" ? region : (number, call) => callLimiter(region, number, call),
  });
  const gates = gatesOf(limits, limiter);
  const pending: Promise<unknown>[] = [];
  const ask = async (key = "k"): Promise<readonly Charge[]> =>
    chargeAll(
      gates,
      requestWith(key, (promise) => void pending.push(promise)),
      nowMs(),
    );
  return {
    limiter,
    ask,
    admits: async (key) => !(await ask(key)).some(refuses),
    settled: async () => {
      await Promise.allSettled(pending.splice(0));
    },
  };
}

function gatesOf(limits: readonly RuleRateLimit[], limiter: Limiter): Gate[] {
  const plans = (mode: string) =>
    limits.filter((limit) => limit.mode === mode).map((limit) => compileLimit(limit, "route", limiter));
  return [...plans("leased").map((plan) => leasedGate(plan, limiter)), strictGate(plans("strict"), limiter)];
}

function requestWith(key: string, waitUntil: (promise: Promise<unknown>) => void): LimitedRequest {
  return {
    method: "GET",
    host: "a.example.com",
    path: "/",
    query: "",
    clientAddress: "192.0.2.1",
    header: (name) => (name === "x-key" ? key : null),
    claim: () => null,
    lifetime: { waitUntil },
  };
}

export const byHeader = [{ type: "Header" as const, name: "x-key" }];

/** How many of the answers are yes. */
export async function count(answers: readonly Promise<boolean>[]): Promise<number> {
  return (await Promise.all(answers)).filter(Boolean).length;
}
