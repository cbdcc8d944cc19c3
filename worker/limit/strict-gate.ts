// Limits for which every request asks the objects: exact, at the price of their round trip. All strict limits of a rule are
// asked together, one call for each object that counts one of the keys.
import type { SpendReply } from "#contract/limiter-call.ts";
import { fairShare } from "#traffic/limit/fair-share.ts";
import { outagePauseMs } from "#traffic/limit/lease-holder.ts";
import { spend } from "#traffic/limit/spend.ts";
import type { Charge, Gate, LimitedRequest } from "./charge.ts";
import type { LimitPlan } from "./limit-plan.ts";
import type { Limiter } from "./limiter.ts";
import type { LimiterLink } from "./limiter-link.ts";
import { ReturnTicket, type SpendItem, SpendTicket } from "./ticket.ts";

interface Entry {
  readonly plan: LimitPlan;
  readonly item: SpendItem;
}

export function strictGate(plans: readonly LimitPlan[], limiter: Limiter): Gate {
  return (request, nowMs) => {
    const groups = new Map<LimiterLink, Entry[]>();
    for (const plan of plans) {
      const key = plan.keyOf(request);
      if (key === undefined) continue;
      const { cost, enforced } = plan;
      const entry = { plan, item: { key, limit: plan.limitOf(key), cost, enforced } };
      const link = limiter.linkTo(key);
      const group = groups.get(link);
      if (group) group.push(entry);
      else groups.set(link, [entry]);
    }
    if (groups.size === 0) return [];
    const asked = [...groups].map(([link, entries]) => ask(limiter, link, entries, request, nowMs));
    return Promise.all(asked).then((charges) => charges.flat());
  };
}

async function ask(
  limiter: Limiter,
  link: LimiterLink,
  entries: readonly Entry[],
  request: LimitedRequest,
  nowMs: number,
): Promise<Charge[]> {
  const ticket = new SpendTicket(entries.map(({ item }) => item));
  await link.deliver(ticket, request.lifetime);
  const { replies, atMs } = ticket;
  if (!replies) return entries.map((entry) => chargeUnchecked(entry, limiter, link, nowMs));
  // Where one of an object's limits refused, the object has spent nothing.
  const spent = replies.every(({ allowed }, index) => allowed || !entries[index]!.item.enforced);
  return entries.map((entry, index) => {
    const reply = replies[index]!;
    const giveBack = (): void =>
      request.lifetime.waitUntil(link.deliver(new ReturnTicket(entry.item, atMs), request.lifetime));
    return charge(entry, reply, spent && reply.allowed ? giveBack : undefined);
  });
}

function charge({ plan, item }: Entry, reply: SpendReply, giveBack: (() => void) | undefined): Charge {
  const { name, enforced, counts } = plan;
  const { allowed, remaining, retryAfterMs = Infinity, resetAfterMs } = reply;
  return {
    name,
    limit: item.limit,
    enforced,
    counts,
    allowed,
    unchecked: false,
    unavailable: false,
    policyField: plan.policyFieldOf(item.limit),
    statusCode: plan.statusCode,
    remaining,
    retryAfterMs: allowed ? 0 : retryAfterMs,
    resetAfterMs,
    giveBack,
  };
}

/** The object cannot be reached: what the limit declares for that case. */
function chargeUnchecked({ plan, item }: Entry, limiter: Limiter, link: LimiterLink, nowMs: number): Charge {
  const { name, enforced, counts, onUnavailable } = plan;
  const { limit, key, cost } = item;
  const known = {
    name,
    limit,
    enforced,
    counts,
    unchecked: true,
    unavailable: onUnavailable === "deny",
    policyField: plan.policyFieldOf(limit),
    statusCode: plan.statusCode,
    giveBack: undefined,
  };
  if (onUnavailable !== "local") {
    const allowed = onUnavailable === "allow";
    return { ...known, allowed, remaining: 0, retryAfterMs: allowed ? 0 : outagePauseMs, resetAfterMs: 0 };
  }
  const verdict = spend(fairShare(limit, link.holders), limiter.localCounts.get(key), cost, nowMs);
  limiter.localCounts.set(key, verdict.state);
  const { allowed, remaining, retryAfterMs, resetAfterMs } = verdict;
  return { ...known, allowed, remaining, retryAfterMs, resetAfterMs };
}
