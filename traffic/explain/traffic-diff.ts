// Which requests of a sample two snapshots treat differently, grouped by what changes for them.
import type { Snapshot } from "#contract/snapshot.ts";
import { createDestinations } from "./destination.ts";
import type { ExplainedRequest } from "./request-entry.ts";

export interface SampleRequest {
  readonly request: ExplainedRequest;
  /** How often it was asked. */
  readonly count: number;
}

export interface TrafficChange {
  readonly before: string;
  readonly after: string;
  readonly count: number;
  /** The first of them, as `METHOD URL`. */
  readonly example: string;
}

export interface TrafficDiff {
  readonly total: number;
  readonly elsewhere: number;
  /** Same destination, but other policies, headers or time limits on the way. */
  readonly otherwise: number;
  /** The most frequent first. */
  readonly changes: readonly TrafficChange[];
  /** Of requests that are handled otherwise: the rules before and after, the most frequent first. */
  readonly handled: readonly TrafficChange[];
}

export function compareTraffic(from: Snapshot, to: Snapshot, sample: Iterable<SampleRequest>): TrafficDiff {
  const [destinationBefore, destinationAfter] = [createDestinations(from), createDestinations(to)];
  const elsewhere = createGroups();
  const otherwise = createGroups();
  let total = 0;
  for (const { request, count } of sample) {
    total += count;
    const [before, after] = [destinationBefore(request), destinationAfter(request)];
    const text = `${request.method} ${request.url.origin}${request.target}`;
    if (before.text !== after.text) elsewhere.add(before.text, after.text, count, text);
    else if (before.handling !== after.handling)
      otherwise.add(before.rule ?? "", after.rule ?? "", count, text);
  }
  return {
    total,
    elsewhere: elsewhere.count(),
    otherwise: otherwise.count(),
    changes: elsewhere.list(),
    handled: otherwise.list(),
  };
}

interface Groups {
  add(before: string, after: string, count: number, example: string): void;
  count(): number;
  list(): TrafficChange[];
}

function createGroups(): Groups {
  const groups = new Map<string, { before: string; after: string; count: number; example: string }>();
  return {
    add: (before, after, count, example) => {
      const key = JSON.stringify([before, after]);
      const group = groups.get(key);
      if (group) group.count += count;
      else groups.set(key, { before, after, count, example });
    },
    count: () => [...groups.values()].reduce((sum, { count }) => sum + count, 0),
    list: () => [...groups.values()].sort((a, b) => b.count - a.count),
  };
}
