// Counters of all regions added up, to be asked by name.
import { counterName, parseCounterName } from "#contract/counter-name.ts";
import { latencyBuckets } from "#contract/latency-buckets.ts";
import type { Traffic } from "#contract/stats.ts";
import type { RegionTraffic } from "../store/region-reports.ts";

type Labels = Readonly<Record<string, string>>;

const statusClasses = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

export class TrafficTotals {
  readonly #counts = new Map<string, number>();
  readonly #rates = new Map<string, number>();
  readonly #gauges = new Map<string, number>();
  readonly #histograms = new Map<string, readonly number[]>();

  constructor(regions: readonly RegionTraffic[]) {
    for (const region of regions) this.#addRegion(region);
  }

  count(name: string, labels: Labels): number {
    return this.#counts.get(counterName(name, labels)) ?? 0;
  }

  gauge(name: string, labels: Labels): number {
    return this.#gauges.get(counterName(name, labels)) ?? 0;
  }

  /** Of counters with the further label `code`. */
  traffic(name: string, labels: Labels): Traffic {
    const names = statusClasses.map((code) => counterName(name, { ...labels, code }));
    const statuses = names.map((full) => this.#counts.get(full) ?? 0) as Traffic["statuses"];
    return {
      requests: statuses.reduce((sum, count) => sum + count, 0),
      statuses,
      requestsPerSecond: names.reduce((sum, full) => sum + (this.#rates.get(full) ?? 0), 0),
    };
  }

  /** Of counters of connections, however they ended. */
  connections(name: string, labels: Labels): Traffic {
    const full = counterName(name, labels);
    return {
      requests: this.#counts.get(full) ?? 0,
      statuses: [0, 0, 0, 0, 0],
      requestsPerSecond: this.#rates.get(full) ?? 0,
    };
  }

  averageMs(histogram: string, labels: Labels): number | undefined {
    const values = this.#histograms.get(counterName(histogram, labels));
    const requests = values?.slice(0, latencyBuckets).reduce((sum, count) => sum + count, 0) ?? 0;
    return requests === 0 ? undefined : values![latencyBuckets]! / requests;
  }

  #addRegion({ atMs, counters, earlier, histograms, gauges }: RegionTraffic): void {
    const seconds = earlier ? (atMs - earlier.atMs) / 1000 : 0;
    for (const [name, total] of Object.entries(counters)) {
      // The total of a region that was lost and started anew is below the one before: no rate for now.
      const rate = seconds > 0 ? Math.max(0, total - (earlier?.counters[name] ?? 0)) / seconds : 0;
      for (const counted of [name, backendTotal(name)]) {
        if (counted === undefined) continue;
        add(this.#counts, counted, total);
        add(this.#rates, counted, rate);
      }
    }
    for (const [name, value] of Object.entries(gauges)) add(this.#gauges, name, value);
    for (const [name, values] of Object.entries(histograms)) {
      const counted = [name, backendTotal(name)];
      for (const full of counted) if (full !== undefined) this.#addHistogram(full, values);
    }
  }

  #addHistogram(name: string, values: readonly number[]): void {
    const known = this.#histograms.get(name);
    this.#histograms.set(name, known ? known.map((value, index) => value + values[index]!) : values);
  }
}

const summed = /^(?:requests_total|request_duration|connections_total|endpoint_connections_total)\{/;

/**
 * Requests are counted by route and backend, connections by their result, too; asked without `route` and `result`, they
 * are those of the backend or endpoint from all routes.
 */
function backendTotal(name: string): string | undefined {
  const parsed = summed.test(name) ? parseCounterName(name) : undefined;
  if (!parsed) return undefined;
  const { route: _route, result: _result, ...labels } = parsed.labels;
  return counterName(parsed.name, labels);
}

function add(into: Map<string, number>, name: string, value: number): void {
  into.set(name, (into.get(name) ?? 0) + value);
}
