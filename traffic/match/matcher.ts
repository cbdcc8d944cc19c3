// The compiled matcher: which rule a request falls to. Built once per snapshot; `docs/matching.md` has the semantics.
import type { Snapshot, SnapshotListener, SnapshotRoute } from "#contract/snapshot.ts";
import { allAtOnce, itemsPerStep, type Steps } from "#contract/steps.ts";
import { compileEntry, type Entry, type RuleMatch } from "./entry.ts";
import { HostIndex } from "./host-index.ts";
import { normalizePath } from "./path.ts";
import { PathIndex } from "./path-index.ts";
import { PriorityIndex } from "./priority-index.ts";
import { compilePattern, type Pattern } from "./pattern/pattern.ts";
import { comparePrecedence } from "./precedence.ts";
import { RequestFacts } from "./request-facts.ts";
import type { RequestHead } from "./request-head.ts";

export type { RuleMatch } from "./entry.ts";

export interface Matcher {
  /** The winning rule for a request on a listener (by name); `undefined`: 404. */
  match(listener: string, head: RequestHead): RuleMatch | undefined;
  /** Rules that never match because one of their matches cannot be compiled. Their neighbours are unaffected. */
  readonly problems: readonly MatcherProblem[];
}

export interface MatcherProblem {
  readonly route: string;
  /** `id` of the rule. */
  readonly rule: string;
  readonly matchIndex: number;
  readonly message: string;
}

/** The rules of one host. */
interface RuleIndex {
  find(facts: RequestFacts): RuleMatch | undefined;
}

interface ListenerTable {
  /** Absent: the listener accepts every host. */
  readonly hostnames: HostIndex<true> | undefined;
  readonly routes: HostIndex<RuleIndex>;
}

/** Never throws for a snapshot that its schema accepts. */
export function compileMatcher(snapshot: Snapshot): Matcher {
  return allAtOnce(matcherSteps(snapshot));
}

/** The same a piece at a time. */
export function* matcherSteps(snapshot: Snapshot): Steps<Matcher> {
  const problems: MatcherProblem[] = [];
  const entries = yield* entrySteps(snapshot, problems);
  const tables = yield* listenerSteps(snapshot, entries);
  return {
    problems,
    match: (listener, head) => {
      const table = tables.get(listener);
      if (!table || (table.hostnames && !table.hostnames.find(head.host))) return undefined;
      // The most specific host that has any route decides alone: no fallback to less specific ones.
      const paths = table.routes.find(head.host);
      if (!paths) return undefined;
      const facts = new RequestFacts(head);
      const found = paths.find(facts);
      return found && head.path.includes(";") ? unlessParametersDecide(found, paths, head) : found;
    },
  };
}

/**
 * Servers that read `;x` as a parameter of its path element serve `/admin;x/keys` as `/admin/keys`. A path whose
 * parameters decide which rule it falls to therefore matches nothing, unless that rule itself names a `;`.
 */
function unlessParametersDecide(
  found: RuleMatch,
  paths: RuleIndex,
  head: RequestHead,
): RuleMatch | undefined {
  if (found.match.path.value.includes(";")) return found;
  const bare = normalizePath(head.path.replace(/;[^/]*/g, "")) ?? "/";
  return paths.find(new RequestFacts(head, bare))?.ruleIndex === found.ruleIndex ? found : undefined;
}

/** Every match of every rule that can be compiled; in no order. */
export function compileEntries(snapshot: Snapshot, problems: MatcherProblem[]): Entry[] {
  return [...allAtOnce(entrySteps(snapshot, problems)).values()].flat();
}

function* entrySteps(snapshot: Snapshot, problems: MatcherProblem[]): Steps<Map<SnapshotRoute, Entry[]>> {
  const entriesOf = new Map<SnapshotRoute, Entry[]>();
  const compileOnce = patternCache();
  let ruleIndex = 0;
  for (const route of snapshot.routes) {
    const entries: Entry[] = [];
    for (const rule of route.rules) {
      const compiled: Entry[] = [];
      for (const matchIndex of rule.matches.keys()) {
        try {
          compiled.push(compileEntry(route, rule, ruleIndex, matchIndex, compileOnce));
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          problems.push({ route: route.name, rule: rule.id, matchIndex, message });
        }
      }
      if (compiled.length === rule.matches.length) entries.push(...compiled);
      ruleIndex += 1;
      if (ruleIndex % itemsPerStep === 0) yield;
    }
    entriesOf.set(route, entries);
  }
  return entriesOf;
}

function patternCache(): (source: string) => Pattern {
  const patterns = new Map<string, Pattern>();
  return (source) => {
    const known = patterns.get(source);
    if (known) return known;
    const pattern = compilePattern(source);
    patterns.set(source, pattern);
    return pattern;
  };
}

/** Listeners with the same routes share one index, so that many listeners cost no more than one. */
function* listenerSteps(
  snapshot: Snapshot,
  entriesOf: ReadonlyMap<SnapshotRoute, readonly Entry[]>,
): Steps<Map<string, ListenerTable>> {
  const shared = new Map<string, HostIndex<RuleIndex>>();
  const routesOf = groupRoutes(snapshot);
  const tables = new Map<string, ListenerTable>();
  for (const listener of snapshot.listeners) {
    const routes = routesOf.get(listener.name) ?? [];
    const key = routes.map((route) => route.name).join("\n");
    let index = shared.get(key);
    if (!index) {
      index = yield* routeSteps(routes, entriesOf);
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

function* routeSteps(
  routes: readonly SnapshotRoute[],
  entriesOf: ReadonlyMap<SnapshotRoute, readonly Entry[]>,
): Steps<HostIndex<RuleIndex>> {
  const lists = new HostIndex<Entry[]>();
  for (const [count, route] of routes.entries()) {
    // Routes are filed under their own host names; the listener restricts before this index is asked. Where the
    // intersection of the two is to count, importers write it as the route's (config/gateway-api/route-hostnames.ts).
    const names = route.hostnames.length === 0 ? [""] : route.hostnames;
    for (const list of new Set(names.map((name) => lists.at(name, () => [])))) {
      for (const entry of entriesOf.get(route) ?? []) list.push(entry);
    }
    if ((count + 1) % itemsPerStep === 0) yield;
  }
  return yield* lists.mapSteps(indexRules);
}

/** The rules of one host. */
function indexRules(unordered: Entry[]): RuleIndex {
  const entries = unordered.sort(comparePrecedence);
  const isFlat = entries[0]?.rank.priority === entries.at(-1)?.rank.priority;
  return isFlat ? new PathIndex(entries) : new PriorityIndex(entries);
}

function hostnamesOf(listener: SnapshotListener): HostIndex<true> | undefined {
  if (listener.hostnames.length === 0) return undefined;
  const index = new HostIndex<true>();
  for (const hostname of listener.hostnames) index.at(hostname, () => true);
  return index;
}
