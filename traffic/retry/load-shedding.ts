// Load shedding by priority: as a backend fills up, unimportant requests are refused first, gradually, so that the important
// ones still find room (Google SRE book, chapter 21, "Criticality").
import type { LoadSheddingPolicy, Priority } from "#contract/backend-policy.ts";
import { prioritySchema } from "#contract/backend-policy.ts";

/** Lowest first: the order in which they are shed. */
const order: readonly Priority[] = ["sheddable", "sheddable-plus", "critical", "critical-plus"];

/** Priority of a request from its header; anything unknown, or an untrusted client, gets the default. */
export function priorityOf(
  policy: LoadSheddingPolicy,
  headerValue: string | null,
  trusted: boolean,
): Priority {
  if (!trusted || headerValue === null) return policy.default;
  const parsed = prioritySchema.safeParse(headerValue.trim().toLowerCase());
  return parsed.success ? parsed.data : policy.default;
}

/**
 * Part of the requests of a priority that is refused at a load, 0 to 1. From `startPercent` to the full capacity each
 * priority has an equal band of load, in which its part grows from 0 to 1; at full capacity everything is refused.
 */
export function shedPart(policy: LoadSheddingPolicy, priority: Priority, inFlight: number): number {
  const load = inFlight / policy.capacity;
  if (load >= 1) return 1;
  const start = policy.startPercent / 100;
  const band = (1 - start) / order.length;
  const from = start + band * order.indexOf(priority);
  if (load <= from) return 0;
  return Math.min(1, (load - from) / band);
}

/** `unit` in [0, 1) decides within the part, so that a band is a slope, not a cliff. */
export function isShed(
  policy: LoadSheddingPolicy,
  priority: Priority,
  inFlight: number,
  unit: number,
): boolean {
  return unit < shedPart(policy, priority, inFlight);
}
