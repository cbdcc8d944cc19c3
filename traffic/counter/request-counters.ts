// What one request sees of the counters, which is what they said before it, and what it adds to them.
import type { Counter, Counting } from "#contract/counter.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import type { ClientRequest } from "../filter/request-text.ts";
import { compileResponseCondition, type ResponseCondition } from "../filter/response-condition.ts";
import type { CounterEntry, CounterTable } from "./counter-table.ts";
import type { CounterPlace, CounterTables } from "./counter-tables.ts";
import type { CounterView } from "./counter-view.ts";

interface Seen {
  /** `undefined`: there is none. */
  readonly key: string | undefined;
  readonly entry: CounterEntry | undefined;
}

export class RequestCounters implements CounterView {
  readonly #tables: CounterTables;
  readonly #request: ClientRequest;
  readonly #nowMs: number;
  readonly #seen = new Map<CounterPlace["keyOf"], Seen>();

  constructor(tables: CounterTables, request: ClientRequest, nowMs: number) {
    this.#tables = tables;
    this.#request = request;
    this.#nowMs = nowMs;
  }

  value(reference: string): number | undefined {
    const reader = this.#tables.reader(reference);
    if (!reader) return undefined;
    const { key, entry } = this.#see(reader);
    return key === undefined ? undefined : reader.table.valueOf(entry, reader.counter, this.#nowMs);
  }

  /** Of a counting; `undefined`: the request has none. What is counted from now on is not seen here. */
  keyAt(place: CounterPlace): string | undefined {
    return this.#see(place).key;
  }

  #see({ table, keyOf }: CounterPlace): Seen {
    let seen = this.#seen.get(keyOf);
    if (!seen) {
      const key = keyOf(this.#request);
      seen = { key, entry: key === undefined ? undefined : table.entry(key, this.#nowMs) };
      this.#seen.set(keyOf, seen);
    }
    return seen;
  }
}

/** An entry that a request is counted in. */
interface Tracked {
  readonly table: CounterTable;
  readonly key: string;
}

const requests: Counter = { type: "RequestCount" };
const concurrent: Counter = { type: "ConcurrentRequests" };
const errors: Counter = { type: "ErrorCount" };
const failures: Counter = { type: "FailureCount" };

/** What a rule counts, compiled for one set of tables. */
export interface CountingPlan {
  /** Whether there is anything to count once the request is answered, or has ended. */
  readonly ofAnswers: boolean;
  readonly ofEnds: boolean;
  begin(counters: RequestCounters, nowMs: number): RequestCount;
}

interface Action {
  readonly counting: Counting;
  readonly place: CounterPlace;
  /** Absent: when the request has been matched. */
  readonly isFor?: ResponseCondition;
}

/** What does not refer to anything counts nothing. */
export function compileCounting(list: readonly Counting[], tables: CounterTables): CountingPlan {
  const actions = list.flatMap((counting): Action[] => {
    const place = tables.place(counting);
    if (!place) return [];
    const { responses } = counting.type === "Track" ? {} : counting;
    const isFor = responses && (compileResponseCondition(responses) ?? everyResponse);
    return [{ counting, place, ...(isFor && { isFor }) }];
  });
  const tracked = actions.filter(({ counting }) => counting.type === "Track").map(({ place }) => place.table);
  const counts = (...counters: Counter[]): boolean =>
    tracked.some((table) => counters.some((counter) => table.has(counter)));
  const rate = (type: Counter["type"]): Counter => ({ type });
  return {
    ofAnswers:
      counts(errors, failures, rate("ErrorRate"), rate("FailureRate")) ||
      actions.some(({ isFor }) => isFor !== undefined),
    ofEnds: counts(concurrent),
    begin: (counters, nowMs) => new RequestCount(actions, counters, nowMs),
  };
}

const everyResponse: ResponseCondition = () => true;

/** One request that is counted, from its match to its end. */
export class RequestCount {
  readonly #tracked: Tracked[] = [];
  readonly #later: (Tracked & { readonly action: Action })[] = [];

  constructor(actions: readonly Action[], counters: RequestCounters, nowMs: number) {
    for (const action of actions) {
      const { counting, place, isFor } = action;
      const key = counters.keyAt(place);
      if (key === undefined) continue;
      const target = { table: place.table, key };
      if (counting.type === "Track") this.#track(target, nowMs);
      else if (isFor) this.#later.push({ ...target, action });
      else apply(target, counting, nowMs);
    }
  }

  #track(target: Tracked, nowMs: number): void {
    const { table, key } = target;
    this.#tracked.push(target);
    table.touch(key, nowMs);
    table.add(key, requests, 1, nowMs);
    if (table.has(concurrent)) table.add(key, concurrent, 1, nowMs);
  }

  /** `byBackend`: it was not the gateway that answered. */
  answered(status: number, headers: HeaderFields, byBackend: boolean, nowMs: number): void {
    for (const { table, key } of this.#tracked) {
      if (status >= 400 && status < 500) table.add(key, errors, 1, nowMs);
      if (byBackend && status >= 500 && status !== 501 && status !== 505) table.add(key, failures, 1, nowMs);
    }
    if (!byBackend) return;
    for (const { action, ...target } of this.#later) {
      const { counting, isFor } = action;
      if (counting.type !== "Track" && isFor?.(status, headers)) apply(target, counting, nowMs);
    }
  }

  ended(nowMs: number): void {
    for (const { table, key } of this.#tracked) {
      if (table.has(concurrent) && table.entry(key, nowMs)) table.add(key, concurrent, -1, nowMs);
    }
  }
}

function apply({ table, key }: Tracked, counting: Exclude<Counting, { type: "Track" }>, nowMs: number): void {
  const { type, counter, value } = counting;
  if (type === "Add") table.add(key, counter, value, nowMs);
  else table.set(key, counter, value, nowMs);
}
