// `stick-table … store <counters>` (§4.2): what a table counts, and over which time.
import { counterId, isRate, type StoredCounter } from "#contract/counter.ts";
import { storedCounters } from "../condition/counter-read.ts";
import { readDurationMs } from "../duration.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { invalid } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";

/** Whether the section's table keeps a counter such as `conn_cur`. */
export function storesCounter(proxy: Proxy, counter: string): boolean {
  return storedArgument(proxy, counter) !== undefined;
}

/** Of `http_req_rate(10s)`. Throws `StatementProblem`. */
export function storedPeriodMs(proxy: Proxy, counter: string): number {
  const period = storedArgument(proxy, counter);
  if (period === undefined) return invalid(`the table of ${JSON.stringify(proxy.name)} stores no ${counter}`);
  return periodMs(period, counter);
}

function periodMs(text: string, counter: string): number {
  const ms = readDurationMs({ text, column: 1 });
  return ms > 0 ? ms : invalid(`the period of ${counter} is zero`);
}

/** Its argument; empty: it has none. `undefined`: it is not stored. */
function storedArgument(proxy: Proxy, counter: string): string | undefined {
  const text = textOf(statementOf(proxy));
  const found = new RegExp(`(?:^|[ ,])${counter}(?:\\(([^)]*)\\))?(?=[ ,]|$)`).exec(text);
  return found ? (found[1] ?? "") : undefined;
}

export interface StickTable {
  readonly isThere: boolean;
  readonly statement: Statement;
  readonly size: number;
  /** 0: entries do not expire. */
  readonly expireMs: number;
  /** Those that can be kept here. */
  readonly counters: readonly StoredCounter[];
}

const known = new WeakMap<Proxy, StickTable>();

/** Throws `StatementProblem`. */
export function readStickTable(proxy: Proxy): StickTable {
  let table = known.get(proxy);
  if (!table) known.set(proxy, (table = read(proxy)));
  return table;
}

function read(proxy: Proxy): StickTable {
  const statement = statementOf(proxy);
  const isThere = statement !== undefined;
  const text = textOf(statement);
  const [, number = "0", unit = ""] = /(?:^| )size ([0-9]{1,9})([kmg]?)(?= |$)/i.exec(text) ?? [];
  const size = Number(number) * 1024 ** " kmg".indexOf(unit.toLowerCase() || " ");
  const [, expire] = /(?:^| )expire (\S+)/.exec(text) ?? [];
  const expireMs = expire === undefined ? 0 : readDurationMs({ text: expire, column: 1 });
  if (isThere && size < 1) invalid("the table has no size", { remedy: "Write `size 100k`." });
  const stores = [...text.matchAll(/(?:^| )store (\S+)/g)].map(([, list]) => list).join(",");
  const counters = new Map<string, StoredCounter>();
  for (const [, name = "", argument = ""] of stores.matchAll(/([a-z_0-9]+)(?:\(([^)]*)\))?/g)) {
    for (const counter of storedCounters(name, argument)) {
      const period = isRate(counter.type) && { periodMs: periodMs(argument.split(",").at(-1) ?? "", name) };
      counters.set(counterId(counter), { ...counter, ...period });
    }
  }
  return { isThere, statement: statement ?? proxy.heading, size, expireMs, counters: [...counters.values()] };
}

function statementOf(proxy: Proxy): Statement | undefined {
  return statementsOf(proxy, "stick-table").at(-1);
}

function textOf(statement: Statement | undefined): string {
  return statement?.words.map((word) => word.text).join(" ") ?? "";
}
