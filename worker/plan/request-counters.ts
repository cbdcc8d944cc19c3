// Counts the requests of one snapshot. A request increments a number in an array; names are made from indexes when the
// heartbeat takes the increments along.
import type { Snapshot, SnapshotRule } from "#contract/snapshot.ts";

/** Status classes 1xx to 5xx. */
const classes = 5;

export class RequestCounters {
  readonly #rules: { readonly route: string; readonly rule: SnapshotRule }[] = [];
  /** First slot of each rule; a rule has one group of classes for no backend, then one per backendRef. */
  readonly #firstSlot: number[] = [];
  readonly #counts: Float64Array;
  /** Slots that are not zero, so that taking costs what was used and not what is configured. */
  #touched: number[] = [];

  constructor(snapshot: Snapshot) {
    let slots = classes;
    for (const route of snapshot.routes) {
      for (const rule of route.rules) {
        this.#rules.push({ route: route.name, rule });
        this.#firstSlot.push(slots);
        slots += classes * (rule.backendRefs.length + 1);
      }
    }
    this.#counts = new Float64Array(slots);
  }

  /** `ruleIndex` -1: no rule matched. `refIndex` -1: no backend was picked. */
  count(ruleIndex: number, refIndex: number, status: number): void {
    const group = ruleIndex < 0 ? 0 : this.#firstSlot[ruleIndex]! + classes * (refIndex + 1);
    const slot = group + Math.min(Math.max(Math.floor(status / 100), 1), classes) - 1;
    if (this.#counts[slot] === 0) this.#touched.push(slot);
    this.#counts[slot]! += 1;
  }

  /** Hands over the increments since the last call, by counter name, and starts anew. */
  take(into: Map<string, number>): void {
    if (this.#touched.length === 0) return;
    const touched = this.#touched.sort((a, b) => a - b);
    this.#touched = [];
    const labels = this.#labels();
    let total = 0;
    for (const slot of touched) {
      const count = this.#counts[slot]!;
      this.#counts[slot] = 0;
      total += count;
      add(into, `requests_total{${labels(slot)},code="${(slot % classes) + 1}xx"}`, count);
    }
    add(into, "requests_total", total);
  }

  /** Finds the labels of slots that come in ascending order, in one pass over the rules. */
  #labels(): (slot: number) => string {
    let ruleIndex = -1;
    return (slot) => {
      while (ruleIndex + 1 < this.#rules.length && this.#firstSlot[ruleIndex + 1]! <= slot) ruleIndex += 1;
      if (ruleIndex < 0) return 'route="",backend=""';
      const { route, rule } = this.#rules[ruleIndex]!;
      const refIndex = Math.floor((slot - this.#firstSlot[ruleIndex]!) / classes) - 1;
      const backend = rule.backendRefs[refIndex]?.backend ?? "";
      return `route="${route}",backend="${backend}"`;
    };
  }
}

function add(into: Map<string, number>, name: string, count: number): void {
  into.set(name, (into.get(name) ?? 0) + count);
}
