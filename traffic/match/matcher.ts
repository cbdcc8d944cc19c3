// The compiled matcher: which rule a request falls to. Built once per snapshot, out of the one before as far as that is the
// same; `docs/matching.md` has the semantics.
import type { Snapshot, SnapshotListener, SnapshotRoute } from "#contract/snapshot.ts";
import { allAtOnce, keptItem, StepLength, type Steps } from "#contract/steps.ts";
import type { Entry, RuleMatch } from "./entry.ts";
import { HostIndex } from "./host-index.ts";
import { type HostRules, hostRulesSteps } from "./host-rules.ts";
import { normalizePath } from "./path.ts";
import { compilePattern, type Pattern } from "./pattern/pattern.ts";
import { RequestFacts } from "./request-facts.ts";
import type { RequestHead } from "./request-head.ts";
import { compileRoute, type MatcherProblem, PatternStore, type RouteEntries } from "./route-entries.ts";

export type { RuleMatch } from "./entry.ts";
export type { MatcherProblem } from "./route-entries.ts";

export interface Matcher {
  /** The winning rule for a request on a listener (by name); `undefined`: 404. */
  match(listener: string, head: RequestHead): RuleMatch | undefined;
  /** Rules that never match because one of their matches cannot be compiled. Their neighbours are unaffected. */
  readonly problems: readonly MatcherProblem[];
  readonly parts: MatcherParts;
}

/** What the matcher of the next snapshot may go on with. */
interface MatcherParts {
  readonly entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>;
  readonly patterns: ReadonlyMap<string, Pattern>;
  readonly tables: ReadonlyMap<string, ListenerTable>;
}

interface ListenerTable {
  /** Absent: the listener accepts every host. */
  readonly hostnames: HostIndex<true> | undefined;
  readonly routes: HostIndex<HostRules>;
}

/** Never throws for a snapshot that its schema accepts. */
export function compileMatcher(snapshot: Snapshot, previous?: Matcher): Matcher {
  return allAtOnce(matcherSteps(snapshot, previous));
}

/**
 * The same a piece at a time. `previous`: of a snapshot with which this one shares the objects of routes that have not
 * changed. Those are not compiled again, and neither are the hosts that they alone serve.
 */
export function* matcherSteps(snapshot: Snapshot, previous?: Matcher): Steps<Matcher> {
  const step = new StepLength();
  const { entriesOf, patterns } = yield* entrySteps(snapshot, previous?.parts, step);
  const tables = yield* listenerSteps(snapshot, entriesOf, previous?.parts, step);
  return {
    problems: problemsOf(entriesOf),
    parts: { entriesOf, patterns, tables },
    match: (listener, head) => {
      const table = tables.get(listener);
      if (!table || (table.hostnames && !table.hostnames.find(head.host))) return undefined;
      // The most specific host that has any route decides alone: no fallback to less specific ones.
      const rules = table.routes.find(head.host);
      if (!rules) return undefined;
      const facts = new RequestFacts(head);
      const found = rules.find(facts);
      return found && head.path.includes(";") ? unlessParametersDecide(found, rules, head) : found;
    },
  };
}

/**
 * Servers that read `;x` as a parameter of its path element serve `/admin;x/keys` as `/admin/keys`. A path whose
 * parameters decide which rule it falls to therefore matches nothing, unless that rule itself names a `;`.
 */
function unlessParametersDecide(
  found: RuleMatch,
  rules: HostRules,
  head: RequestHead,
): RuleMatch | undefined {
  if (found.match.path.value.includes(";")) return found;
  const bare = normalizePath(head.path.replace(/;[^/]*/g, "")) ?? "/";
  return rules.find(new RequestFacts(head, bare))?.rule === found.rule ? found : undefined;
}

/** Every match of every rule that can be compiled; in no order. */
export function compileEntries(snapshot: Snapshot, problems: MatcherProblem[]): Entry[] {
  const { entriesOf } = allAtOnce(entrySteps(snapshot, undefined, new StepLength()));
  problems.push(...problemsOf(entriesOf));
  return [...entriesOf.values()].flatMap(({ entries }) => entries);
}

function problemsOf(entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>): MatcherProblem[] {
  return [...entriesOf.values()].flatMap(({ problems }) => problems);
}

function* entrySteps(
  snapshot: Snapshot,
  previous: MatcherParts | undefined,
  step: StepLength,
): Steps<Pick<MatcherParts, "entriesOf" | "patterns">> {
  const entriesOf = new Map<SnapshotRoute, RouteEntries>();
  const patterns = new PatternStore(previous?.patterns ?? new Map(), compilePattern);
  for (const route of snapshot.routes) {
    const kept = previous?.entriesOf.get(route);
    const entries = kept ?? compileRoute(route, patterns.find);
    entriesOf.set(route, entries);
    patterns.add(entries);
    if (step.isFull(kept ? keptItem : route.rules.length)) yield;
  }
  return { entriesOf, patterns: patterns.patterns };
}

/** Listeners with the same routes share one index, so that many listeners cost no more than one. */
function* listenerSteps(
  snapshot: Snapshot,
  entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>,
  previous: MatcherParts | undefined,
  step: StepLength,
): Steps<Map<string, ListenerTable>> {
  const shared = new Map<string, HostIndex<HostRules>>();
  const routesOf = groupRoutes(snapshot);
  const tables = new Map<string, ListenerTable>();
  for (const listener of snapshot.listeners) {
    const routes = routesOf.get(listener.name) ?? [];
    const key = routes.map((route) => route.name).join("\n");
    let index = shared.get(key);
    if (!index) {
      index = yield* hostSteps(routes, entriesOf, previous?.tables.get(listener.name)?.routes, step);
      shared.set(key, index);
    }
    tables.set(listener.name, { hostnames: hostnamesOf(listener), routes: index });
  }
  return tables;
}

function groupRoutes(snapshot: Snapshot): Map<string, SnapshotRoute[]> {
  const groups = new Map<string, SnapshotRoute[]>();
  for (const route of snapshot.routes) {
    for (const listener of new Set(route.listeners)) {
      const group = groups.get(listener);
      if (group) group.push(route);
      else groups.set(listener, [route]);
    }
  }
  return groups;
}

function* hostSteps(
  routes: readonly SnapshotRoute[],
  entriesOf: ReadonlyMap<SnapshotRoute, RouteEntries>,
  previous: HostIndex<HostRules> | undefined,
  step: StepLength,
): Steps<HostIndex<HostRules>> {
  const lists = new HostIndex<SnapshotRoute[]>();
  for (const route of routes) {
    // Routes are filed under their own host names; the listener restricts before this index is asked. Where the
    // intersection of the two is to count, importers write it as the route's (config/gateway-api/route-hostnames.ts).
    for (const name of route.hostnames.length === 0 ? [""] : route.hostnames) {
      const list = lists.at(name, () => []);
      if (list.at(-1) !== route) list.push(route);
      if (step.isFull(keptItem)) yield;
    }
  }
  return yield* lists.mapSteps(
    (list, before) => hostRulesSteps(list, entriesOf, before, step),
    previous,
    step,
  );
}

function hostnamesOf(listener: SnapshotListener): HostIndex<true> | undefined {
  if (listener.hostnames.length === 0) return undefined;
  const index = new HostIndex<true>();
  for (const hostname of listener.hostnames) index.at(hostname, () => true);
  return index;
}
