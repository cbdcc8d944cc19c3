// Counts the requests of an isolate: by rule and backend, by endpoint, by listener. A request adds to numbers in arrays,
// which are found by the objects of its plan and live from one heartbeat to the next, so that plans may come and go; names
// are made when the heartbeat takes the increments along. Series are bounded by the configuration: nothing that a client
// sends becomes a label.
import { counterName } from "#contract/counter-name.ts";
import { histogramValues, latencyBucket, latencyBuckets } from "#contract/latency-buckets.ts";
import type { SnapshotListener, SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";

/** Status classes 1xx to 5xx, then the latency histogram. */
const classes = 5;
const groupValues = classes + histogramValues;
const sumValue = classes + latencyBuckets;

/** Names of event counters that are kept; they come from the configuration, too, so this is only a safeguard. */
const maxEvents = 10_000;

/** What counting asks of an exchange. */
export interface CountedRequest {
  readonly listener: SnapshotListener | undefined;
  readonly matched: { readonly route: SnapshotRoute; readonly rule: SnapshotRule } | undefined;
  /** -1: no backend was picked. */
  readonly refIndex: number;
  /** The last one tried. */
  readonly endpoint: CountedEndpoint | undefined;
}

interface CountedEndpoint {
  /** Name of its backend. */
  readonly backend: string;
  readonly endpoint: { readonly id: string };
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

/** Of one rule. */
interface RuleCounts {
  readonly route: string;
  readonly rule: SnapshotRule;
  /** One for no backend, then one for each backendRef. */
  readonly groups: (Float64Array | undefined)[];
}

export class RequestCounters {
  #unmatched: Float64Array | undefined;
  readonly #rules = new Map<SnapshotRule, RuleCounts>();
  readonly #endpoints = new Map<CountedEndpoint, Float64Array>();
  readonly #listeners = new Map<SnapshotListener, Float64Array>();
  readonly #events = new Map<string, number>();

  count({ listener, matched, refIndex, endpoint }: CountedRequest, status: number, latencyMs: number): void {
    const statusClass = Math.min(Math.max(Math.floor(status / 100), 1), classes) - 1;
    const bucket = classes + latencyBucket(latencyMs);
    addRequest(this.#ruleValues(matched, refIndex), statusClass, bucket, latencyMs);
    if (endpoint) addRequest(valuesOf(this.#endpoints, endpoint), statusClass, bucket, latencyMs);
    if (listener) addRequest(valuesOf(this.#listeners, listener), statusClass, bucket, latencyMs);
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
    for (const [group, values] of this.#counted()) {
      const counted = takeStatuses(into, group, values);
      if (group.requests === "requests_total") add(into.counters, "requests_total", counted);
      if (group.duration !== undefined)
        takeHistogram(into, counterName(group.duration, group.labels), values);
    }
    this.#unmatched = undefined;
    for (const counted of [this.#events, this.#rules, this.#endpoints, this.#listeners]) counted.clear();
  }

  #ruleValues(matched: CountedRequest["matched"], refIndex: number): Float64Array {
    if (!matched) return (this.#unmatched ??= new Float64Array(groupValues));
    const { route, rule } = matched;
    let counts = this.#rules.get(rule);
    if (!counts) {
      counts = { route: route.name, rule, groups: [] };
      this.#rules.set(rule, counts);
    }
    return (counts.groups[refIndex + 1] ??= new Float64Array(groupValues));
  }

  *#counted(): Generator<readonly [Group, Float64Array]> {
    if (this.#unmatched) yield [ruleGroupOf("", ""), this.#unmatched];
    for (const { route, rule, groups } of this.#rules.values()) {
      for (const [index, values] of groups.entries()) {
        if (values) yield [ruleGroupOf(route, rule.backendRefs[index - 1]?.backend ?? ""), values];
      }
    }
    for (const [{ backend, endpoint }, values] of this.#endpoints) {
      yield [endpointGroupOf(backend, endpoint.id), values];
    }
    for (const [{ name }, values] of this.#listeners) {
      yield [{ requests: "listener_requests_total", labels: { listener: name } }, values];
    }
  }
}

function addRequest(values: Float64Array, statusClass: number, bucket: number, latencyMs: number): void {
  values[statusClass]! += 1;
  values[bucket]! += 1;
  values[sumValue]! += latencyMs;
}

function valuesOf<Key>(counted: Map<Key, Float64Array>, key: Key): Float64Array {
  let values = counted.get(key);
  if (!values) {
    values = new Float64Array(groupValues);
    counted.set(key, values);
  }
  return values;
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
