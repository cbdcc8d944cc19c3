// The rules of one host, indexed. As long as the same routes serve the host, the next snapshot goes on with the same index.
import type { SnapshotRoute } from "#contract/snapshot.ts";
import type { StepLength, Steps } from "#contract/steps.ts";
import type { Entry, RuleMatch } from "./entry.ts";
import { PathIndex } from "./path-index.ts";
import { comparePrecedence } from "./precedence.ts";
import { PriorityIndex } from "./priority-index.ts";
import type { RequestFacts } from "./request-facts.ts";
import type { RouteEntries } from "./route-entries.ts";

export interface HostRules {
  readonly routes: readonly SnapshotRoute[];
  /** In order of precedence. */
  readonly entries: readonly Entry[];
  find(facts: RequestFacts): RuleMatch | undefined;
}

/** `previous`: of the same host in the snapshot before. */
export function* hostRulesSteps(
  routes: readonly SnapshotRoute[],
  entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>,
  previous: HostRules | undefined,
  step: StepLength,
): Steps<HostRules> {
  if (previous && isSame(routes, previous.routes)) return previous;
  const entries = inOrder(routes, entriesOf, previous);
  const isFlat = entries[0]?.rank.priority === entries.at(-1)?.rank.priority;
  const index = isFlat ? new PathIndex(entries) : new PriorityIndex(entries);
  yield* index.buildSteps(step);
  return { routes, entries, find: (facts) => index.find(facts) };
}

function isSame(routes: readonly SnapshotRoute[], others: readonly SnapshotRoute[]): boolean {
  return routes.length === others.length && routes.every((route, index) => route === others[index]);
}

/** Those of before are in order already, so that sorting is no more than finding places for the new ones. */
function inOrder(
  routes: readonly SnapshotRoute[],
  entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>,
  previous: HostRules | undefined,
): readonly Entry[] {
  const before = new Set(previous?.routes);
  const now = new Set(routes);
  const kept = previous?.entries.filter(({ result }) => now.has(result.route)) ?? [];
  const added = routes.filter((route) => !before.has(route));
  return [...kept, ...added.flatMap((route) => entriesOf.get(route)?.entries ?? [])].sort(comparePrecedence);
}
