// Counts the requests of one snapshot: by rule and backend, by endpoint, by listener. A request adds to numbers in
// arrays; names are made when the heartbeat takes the increments along. Series are bounded by the configuration: nothing
// that a client sends becomes a label.
import { counterName } from "#contract/counter-name.ts";
import { histogramValues, latencyBucket, latencyBuckets } from "#contract/latency-buckets.ts";
import type { Snapshot, SnapshotListener } from "#contract/snapshot.ts";

/** Status classes 1xx to 5xx, then the latency histogram. */
const classes = 5;
const groupValues = classes + histogramValues;
const sumValue = classes + latencyBuckets;

/** Names of event counters that are kept; they come from the configuration, too, so this is only a safeguard. */
const maxEvents = 10_000;

/** What counting asks of an exchange. */
export interface CountedRequest {
  readonly listener: SnapshotListener | undefined;
  readonly matched: { readonly ruleIndex: number } | undefined;
  /** -1: no backend was picked. */
  readonly refIndex: number;
  /** The last one tried; `index` is dense over all endpoints of the snapshot. */
  readonly endpoint: { readonly index: number } | undefined;
}

/** What the heartbeat takes along. */
export interface Increments {
  readonly counters: Map<string, number>;
  /** By name, as `contract/latency-buckets.ts` lays them out. */
  readonly histograms: Map<string, number[]>;
}

interface Group {
  readonly requests: string;
  /** Absent: not measured. */
  readonly duration?: string;
  readonly labels: Readonly<Record<string, string>>;
}

export class RequestCounters {
  readonly #snapshot: Snapshot;
  /** First group of each rule; a rule has one group for no backend, then one per backendRef. */
  readonly #firstOfRule: number[] = [];
  readonly #firstEndpoint: number;
  readonly #listeners: ReadonlyMap<SnapshotListener | undefined, number>;
  /** Made when first counted, so that memory goes with what is used and not with what is configured. */
  readonly #groups: (Float64Array | undefined)[];
  #touched: number[] = [];
  readonly #isTouched: Uint8Array;
  readonly #events = new Map<string, number>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    let groups = 1;
    for (const route of snapshot.routes) {
      for (const rule of route.rules) {
        this.#firstOfRule.push(groups);
        groups += rule.backendRefs.length + 1;
      }
    }
    this.#firstEndpoint = groups;
    for (const backend of snapshot.backends) groups += backend.endpoints.length;
    const firstListener = groups;
    this.#listeners = new Map(snapshot.listeners.map((listener, index) => [listener, firstListener + index]));
    groups += snapshot.listeners.length;
    this.#groups = Array.from<undefined>({ length: groups });
    this.#isTouched = new Uint8Array(groups);
  }

  count(request: CountedRequest, status: number, latencyMs: number): void {
    const { listener, matched, refIndex, endpoint } = request;
    const statusClass = Math.min(Math.max(Math.floor(status / 100), 1), classes) - 1;
    const bucket = classes + latencyBucket(latencyMs);
    const ruleGroup = matched ? this.#firstOfRule[matched.ruleIndex]! + refIndex + 1 : 0;
    this.#add(ruleGroup, statusClass, bucket, latencyMs);
    if (endpoint) this.#add(this.#firstEndpoint + endpoint.index, statusClass, bucket, latencyMs);
    const listenerGroup = this.#listeners.get(listener);
    if (listenerGroup !== undefined) this.#add(listenerGroup, statusClass, bucket, latencyMs);
  }

  /** Counts what is not a request, such as a retry. `name` is a {@link counterName} made once per snapshot. */
  countEvent(name: string, amount = 1): void {
    const count = this.#events.get(name);
    if (count === undefined && this.#events.size >= maxEvents) return;
    this.#events.set(name, (count ?? 0) + amount);
  }

  /** Hands over the increments since the last call and starts anew. */
  take(into: Increments): void {
    for (const [name, count] of this.#events) add(into.counters, name, count);
    this.#events.clear();
    if (this.#touched.length === 0) return;
    const touched = this.#touched.sort((a, b) => a - b);
    this.#touched = [];
    const groupAt = this.#groupWalk();
    for (const index of touched) {
      this.#isTouched[index] = 0;
      const values = this.#groups[index]!;
      const group = groupAt(index);
      const counted = takeStatuses(into, group, values);
      if (group.requests === "requests_total") add(into.counters, "requests_total", counted);
      if (group.duration !== undefined)
        takeHistogram(into, counterName(group.duration, group.labels), values);
      values.fill(0);
    }
  }

  #add(group: number, statusClass: number, bucket: number, latencyMs: number): void {
    const values = (this.#groups[group] ??= new Float64Array(groupValues));
    if (this.#isTouched[group] === 0) {
      this.#isTouched[group] = 1;
      this.#touched.push(group);
    }
    values[statusClass]! += 1;
    values[bucket]! += 1;
    values[sumValue]! += latencyMs;
  }

  /** Names of groups that come in ascending order, in one pass over the snapshot. */
  #groupWalk(): (index: number) => Group {
    const { routes, backends, listeners } = this.#snapshot;
    const rules = routes.flatMap((route) => route.rules.map((rule) => ({ route, rule })));
    let ruleIndex = -1;
    let backendIndex = 0;
    let firstOfBackend = this.#firstEndpoint;
    return (index) => {
      if (index < this.#firstEndpoint) {
        while (ruleIndex + 1 < rules.length && this.#firstOfRule[ruleIndex + 1]! <= index) ruleIndex += 1;
        const found = rules[ruleIndex];
        const refIndex = index - (this.#firstOfRule[ruleIndex] ?? 0) - 1;
        return ruleGroupOf(found?.route.name ?? "", found?.rule.backendRefs[refIndex]?.backend ?? "");
      }
      for (; backendIndex < backends.length; backendIndex += 1) {
        const { name, endpoints } = backends[backendIndex]!;
        const endpoint = endpoints[index - firstOfBackend];
        if (endpoint) return endpointGroupOf(name, endpoint.id);
        firstOfBackend += endpoints.length;
      }
      const listener = listeners[index - firstOfBackend]?.name ?? "";
      return { requests: "listener_requests_total", labels: { listener } };
    };
  }
}

function ruleGroupOf(route: string, backend: string): Group {
  return { requests: "requests_total", duration: "request_duration", labels: { route, backend } };
}

function endpointGroupOf(backend: string, endpoint: string): Group {
  const labels = { backend, endpoint };
  return { requests: "endpoint_requests_total", duration: "endpoint_request_duration", labels };
}

/** Returns the number of requests. */
function takeStatuses({ counters }: Increments, { requests, labels }: Group, values: Float64Array): number {
  let total = 0;
  for (let statusClass = 0; statusClass < classes; statusClass += 1) {
    const count = values[statusClass]!;
    if (count === 0) continue;
    total += count;
    add(counters, counterName(requests, { ...labels, code: `${statusClass + 1}xx` }), count);
  }
  return total;
}

function takeHistogram({ histograms }: Increments, name: string, values: Float64Array): void {
  const known = histograms.get(name) ?? Array.from({ length: histogramValues }, () => 0);
  histograms.set(
    name,
    known.map((value, index) => value + values[classes + index]!),
  );
}

function add(into: Map<string, number>, name: string, count: number): void {
  into.set(name, (into.get(name) ?? 0) + count);
}
