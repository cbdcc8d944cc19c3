// One table of counters: an entry for each key, bounded in number, in bytes and in age. Entries are replaced, never changed,
// so that whoever has read one goes on seeing what it said.
import { type Counter, counterId, type CounterTableConfig, isRate } from "#contract/counter.ts";
import { KeyTable } from "../limit/key-table.ts";
import { addEvents, eventsIn, type Frequency } from "./frequency.ts";

export interface CounterEntry {
  /** Infinity: it does not expire. */
  readonly untilMs: number;
  /** In the order of the table's counters. */
  readonly values: readonly (number | Frequency | undefined)[];
}

type Kept = Pick<CounterTableConfig, "counters" | "maxEntries" | "expiryMs">;

/** A counter in an entry, a frequency included. Measured on V8, rounded up. */
const counterBytes = 48;
/** Counters are numbers of 32 bits; one that is full stays so. */
const maxValue = 4_294_967_295;

/** What is counted with another thing, by HAProxy as well. */
const rateOf: Readonly<Partial<Record<Counter["type"], Counter["type"]>>> = {
  RequestCount: "RequestRate",
  ErrorCount: "ErrorRate",
  FailureCount: "FailureRate",
  General: "GeneralRate",
};

export class CounterTable {
  readonly #places: ReadonlyMap<string, number>;
  readonly #periodsMs: readonly number[];
  readonly #concurrent: number;
  readonly #entries: KeyTable<CounterEntry>;
  #expiryMs: number;

  constructor({ counters, maxEntries, expiryMs = Infinity }: Kept, maxBytes: number) {
    this.#places = new Map(counters.map((counter, index) => [counterId(counter), index]));
    this.#periodsMs = counters.map(({ periodMs = 1_000 }) => periodMs);
    this.#concurrent = this.#places.get("ConcurrentRequests") ?? -1;
    this.#expiryMs = expiryMs;
    this.#entries = new KeyTable(maxEntries, maxBytes, () => counters.length * counterBytes);
  }

  /** Entries are kept as far as there is room for them; expiry is that of what is counted from now on. */
  resize({ maxEntries, expiryMs = Infinity }: Kept, maxBytes: number): void {
    this.#expiryMs = expiryMs;
    this.#entries.resize(maxEntries, maxBytes);
  }

  get size(): number {
    return this.#entries.size;
  }

  has(counter: Pick<Counter, "type" | "index">): boolean {
    return this.#places.has(counterId(counter));
  }

  /** `undefined`: the key has none. */
  entry(key: string, nowMs: number): CounterEntry | undefined {
    const entry = this.#entries.get(key);
    if (!entry || entry.untilMs > nowMs) return entry;
    // Requests that are under way hold it.
    if (Number(entry.values[this.#concurrent] ?? 0) > 0) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  /** Of an entry, or of none. What the table has no counter of is 0. */
  valueOf(entry: CounterEntry | undefined, counter: Counter, nowMs: number): number {
    if (counter.type === "Entry") return entry ? 1 : 0;
    const place = this.#places.get(counterId(counter));
    const value = place === undefined ? undefined : entry?.values[place];
    if (typeof value === "object") return eventsIn(value, this.#periodsMs[place!]!, nowMs);
    return value ?? 0;
  }

  /** The entry begins if it is not there, and lives on from now. */
  touch(key: string, nowMs: number): void {
    this.#put(key, this.entry(key, nowMs)?.values ?? [], nowMs);
  }

  /** To a counter and to its rate, as far as the table has them. */
  add(key: string, counter: Counter, count: number, nowMs: number): void {
    const rate = rateOf[counter.type];
    const values = [...(this.entry(key, nowMs)?.values ?? [])];
    this.#addTo(values, counter, count, nowMs);
    if (rate) this.#addTo(values, { ...counter, type: rate }, count, nowMs);
    this.#put(key, values, nowMs);
  }

  set(key: string, counter: Counter, value: number, nowMs: number): void {
    const values = [...(this.entry(key, nowMs)?.values ?? [])];
    const place = this.#places.get(counterId(counter));
    if (place !== undefined) values[place] = value;
    this.#put(key, values, nowMs);
  }

  #addTo(values: CounterEntry["values"][number][], counter: Counter, count: number, nowMs: number): void {
    const place = this.#places.get(counterId(counter));
    if (place === undefined) return;
    const before = values[place];
    values[place] = isRate(counter.type)
      ? addEvents(before as Frequency | undefined, count, this.#periodsMs[place]!, nowMs)
      : Math.max(0, Math.min(maxValue, Number(before ?? 0) + count));
  }

  #put(key: string, values: CounterEntry["values"], nowMs: number): void {
    this.#entries.set(key, { untilMs: nowMs + this.#expiryMs, values });
  }
}
