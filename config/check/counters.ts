// What rules count, and what texts read, must be counters of a table that there is.
import {
  type Counter,
  counterId,
  counterReference,
  type CounterReference,
  type Counting,
  parseCounterReference,
} from "#contract/counter.ts";
import type { NativeCounterTable } from "../native/counter.ts";
import { nearestName } from "../native/nearest-name.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";
import { namedFacts } from "./named-facts.ts";

export const counters: Check = (config, report) => {
  const known = new KnownCounters(config.counterTables, report);
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, { counting }] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex, "counting"];
      for (const [index, one] of counting.entries()) known.checkCounting(one, [...path, index]);
    }
  }
  for (const { from, name, path } of namedFacts(config)) {
    if (from === "Counter") known.checkReference(name, [...path, "name"]);
  }
};

/** Counters of an entry, and keys, are told apart by their names. */
export const counterNames: Check = (config, report) => {
  for (const [tableIndex, table] of config.counterTables.entries()) {
    const path: Path = ["counterTables", tableIndex];
    const check = (names: readonly string[], ...steps: Path): void => {
      for (const [index, name] of names.entries()) {
        if (names.indexOf(name) === index) continue;
        report.add({
          code: "name-duplicate",
          path: [...path, ...steps, index],
          message: `the table has another ${JSON.stringify(name)}`,
          remedy: "Remove one of them.",
        });
      }
    };
    check(table.counters.map(counterId), "counters");
    check(
      table.keys.map(({ name }) => name),
      "keys",
    );
  }
};

class KnownCounters {
  readonly #tables: ReadonlyMap<string, NativeCounterTable>;
  readonly #report: Report;

  constructor(tables: readonly NativeCounterTable[], report: Report) {
    this.#tables = new Map(tables.map((table) => [table.name, table]));
    this.#report = report;
  }

  /** Of a rule. */
  checkCounting(counting: Counting, path: Path): void {
    const table = this.#tables.get(counting.table);
    if (!table) {
      const message = `no counter table is named ${JSON.stringify(counting.table)}`;
      return this.#unknown(message, [...path, "table"], counting.table, [...this.#tables.keys()]);
    }
    const keys = table.keys.map(({ name }) => name);
    if (!keys.includes(counting.key)) {
      const message = `the table has no key ${JSON.stringify(counting.key)}`;
      return this.#unknown(message, [...path, "key"], counting.key, keys);
    }
    if (counting.type === "Track") return;
    const { counter } = counting;
    const isKept = [counter, rateOf(counter)].some((one) => this.#has({ ...counting, counter: one }));
    if (isKept) return;
    const id = counterId(counter);
    const message = `the table has no counter ${JSON.stringify(id)}`;
    this.#unknown(message, [...path, "counter"], id, table.counters.map(counterId));
  }

  /** Of a text. */
  checkReference(name: string, path: Path): void {
    const reference = parseCounterReference(name);
    if (reference && this.#has(reference)) return;
    this.#unknown(`no counter is named ${JSON.stringify(name)}`, path, name, this.#references());
  }

  #has({ table, key, counter }: CounterReference): boolean {
    const { keys = [], counters: kept = [] } = this.#tables.get(table) ?? {};
    if (!keys.some(({ name }) => name === key)) return false;
    return counter.type === "Entry" || kept.some((one) => counterId(one) === counterId(counter));
  }

  #references(): string[] {
    return [...this.#tables.values()].flatMap(({ name, keys, counters: kept }) =>
      keys.flatMap((key) => kept.map((counter) => counterReference({ table: name, key: key.name, counter }))),
    );
  }

  #unknown(message: string, path: Path, name: string, names: readonly string[]): void {
    const near = nearestName(name, names);
    const remedy =
      near === undefined
        ? "Add it to counterTables, or correct the name."
        : `Did you mean ${JSON.stringify(near)}?`;
    this.#report.add({ code: "reference-unknown", path, message, remedy });
  }
}

/** What counts along. */
function rateOf({ type, ...counter }: Counter): Counter {
  return { ...counter, type: type === "General" ? "GeneralRate" : type };
}
