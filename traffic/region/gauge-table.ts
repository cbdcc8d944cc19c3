// What isolates say of the present moment, such as requests under way: added up over the isolates that spoke lately.

/** An isolate speaks once a second while it has requests; one that is silent longer has none that start. */
const expiryMs = 10_000;
const maxGateways = 1_024;
const maxNames = 20_000;

type Gauges = Readonly<Record<string, number>>;

export class GaugeTable {
  readonly #byGateway = new Map<string, { readonly gauges: Gauges; readonly atMs: number }>();

  heard(gateway: string, gauges: Gauges, nowMs: number): void {
    this.#byGateway.delete(gateway);
    this.#byGateway.set(gateway, { gauges, atMs: nowMs });
    for (const [name, { atMs }] of this.#byGateway) {
      if (this.#byGateway.size <= maxGateways && nowMs - atMs < expiryMs) break;
      this.#byGateway.delete(name);
    }
  }

  sums(nowMs: number): Record<string, number> {
    const sums = new Map<string, number>();
    for (const { gauges, atMs } of this.#byGateway.values()) {
      if (nowMs - atMs >= expiryMs) continue;
      for (const [name, value] of Object.entries(gauges)) {
        if (Number.isFinite(value) && (sums.has(name) || sums.size < maxNames)) {
          sums.set(name, (sums.get(name) ?? 0) + value);
        }
      }
    }
    return Object.fromEntries(sums);
  }
}
