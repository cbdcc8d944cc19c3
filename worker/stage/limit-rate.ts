// Rule stage: rate limits. A request is charged to the limits that cost nothing to ask first, and goes on, is refused (429),
// or is refused because a limit that must be checked cannot be (503). See docs/rate-limiting.md.
import { type Charge, chargeAll, type Gate, refuses } from "../limit/charge.ts";
import { leasedGate } from "../limit/leased-gate.ts";
import { compileLimit } from "../limit/limit-plan.ts";
import { localGate } from "../limit/local-gate.ts";
import { rateLimitHeaders, refusal } from "../limit/refusal.ts";
import { strictGate } from "../limit/strict-gate.ts";
import type { Exchange } from "../exchange.ts";
import type { Handler, RuleScope, Stage } from "./stage.ts";

export const limitRate: Stage<RuleScope> = (scope, next) => {
  const gates = compileGates(scope);
  if (gates.length === 0) return next;
  return (exchange) => {
    const charges = chargeAll(gates, exchange, Date.now());
    return charges instanceof Promise
      ? charges.then((settled) => proceed(settled, next, exchange))
      : proceed(charges, next, exchange);
  };
};

/** Local, then leased, then strict limits. */
function compileGates({ rule, route, limiter }: RuleScope): Gate[] {
  const limits = (rule.rateLimits ?? []).map((limit) => ({
    kind: limit.scope === "local" ? "local" : limit.mode,
    plan: compileLimit(limit, route, limiter),
  }));
  const plansOf = (kind: string) => limits.filter((limit) => limit.kind === kind).map(({ plan }) => plan);
  const strict = plansOf("strict");
  return [
    ...plansOf("local").map((plan) => localGate(plan, limiter)),
    ...plansOf("leased").map((plan) => leasedGate(plan, limiter)),
    ...(strict.length > 0 ? [strictGate(strict, limiter)] : []),
  ];
}

function proceed(
  charges: readonly Charge[],
  next: Handler,
  exchange: Exchange,
): Response | Promise<Response> {
  if (charges.length === 0) return next(exchange);
  const tells = exchange.listener?.disableRateLimitHeaders !== true;
  if (charges.some(refuses)) throw refusal(charges, tells);
  const settled = charges.some(({ settle }) => settle) ? settling(charges, next) : next;
  // What a response may yet cost is not told in its head.
  const told = tells ? charges.filter(({ settle }) => !settle) : [];
  return told.length > 0 ? tell(told, settled, exchange) : settled(exchange);
}

function settling(charges: readonly Charge[], next: Handler): Handler {
  return async (exchange) => {
    const response = await next(exchange);
    const nowMs = Date.now();
    for (const { settle } of charges) settle?.(response.status, nowMs);
    return response;
  };
}

async function tell(charges: readonly Charge[], next: Handler, exchange: Exchange): Promise<Response> {
  const response = await next(exchange);
  const headers = rateLimitHeaders(charges);
  if (!headers) return response;
  // The headers of a fetched response are immutable; a copy made from the response itself keeps everything else.
  const told = new Response(response.body, response);
  told.headers.set("ratelimit", headers.ratelimit);
  told.headers.set("ratelimit-policy", headers["ratelimit-policy"]);
  return told;
}
