// Fetches and converters that look into stick tables (§7.3.4 `sc_get_gpc0(0)`, `src_http_req_rate(table)`, §7.3.1
// `table_gpc0(table)`, `in_table(table)`): whose entry, in which table, and which of its counters.
import type { CountedType, Counter } from "#contract/counter.ts";
import type { TextTransform } from "#contract/text-transform.ts";
import { convert } from "./converters.ts";
import { writtenSample, type Call, type Sample } from "./sample.ts";

export interface CounterRead {
  /** `sc0`: what that one tracks; `src`: the client's address; `=` and a sample expression: what that gives. */
  readonly source: string;
  /** Name of the section with the table. Absent: the section itself, or where it is tracked. */
  readonly table?: string;
  readonly counter: Counter;
  /** What the fetch does before, or after, it reads. */
  readonly effect?: "add" | "clear";
  /** What is done to the number. */
  readonly transforms?: readonly TextTransform[];
}

/** Names of what tables store, as they are and as fetches have them. */
const stored: Readonly<Record<string, CountedType>> = {
  http_req_cnt: "RequestCount",
  http_req_rate: "RequestRate",
  http_err_cnt: "ErrorCount",
  http_err_rate: "ErrorRate",
  http_fail_cnt: "FailureCount",
  http_fail_rate: "FailureRate",
};

type Stored = Counter & { readonly type: CountedType };

/** Of `gpc`, `gpc0` or `gpc1`, their rates, and `gpt`; `args` may begin with the number. */
function numbered(
  name: string,
  args: readonly string[],
): { counter: Stored; rest: readonly string[] } | undefined {
  const found = /^gp([ct])([01])?(_rate)?$/.exec(name);
  if (!found || (found[1] === "t" && (found[3] !== undefined || found[2] === "1"))) return undefined;
  const type = found[1] === "t" ? "Tag" : found[3] ? "GeneralRate" : "General";
  const [number, rest] = found[2] === undefined ? [args[0], args.slice(1)] : [found[2], args];
  if (!/^[0-9]{1,2}$/.test(number ?? "")) return undefined;
  return { counter: { type, ...(Number(number) > 0 && { index: Number(number) }) }, rest };
}

/** Of a name behind `sc_`, `src_` or `table_`. */
function counterOf(
  name: string,
  args: readonly string[],
): { counter: Stored; rest: readonly string[] } | undefined {
  const type = Object.hasOwn(stored, name) ? stored[name] : undefined;
  return type ? { counter: { type }, rest: args } : numbered(name, args);
}

/** Of `store gpc0`, `gpc(4)`: the name of a counter in a `stick-table` statement. */
export function storedCounters(name: string, argument: string): Stored[] {
  const array = /^gp([ct])(_rate)?$/.exec(name);
  if (array) {
    const count = Math.min(100, Number(argument.split(",")[0]) || 0);
    return Array.from({ length: count }, (_, index) => numbered(name, [String(index)])!.counter);
  }
  const found = counterOf(name, []);
  return found ? [found.counter] : [];
}

/** A counter in a sample expression, with the converters behind it; `undefined`: there is none. */
export function counterIn({
  fetch,
  converters,
}: Sample): { readonly read: CounterRead; readonly rest: readonly Call[] } | undefined {
  const index = converters.findIndex(({ name }) => name.startsWith("table_") || name === "in_table");
  const read = index < 0 ? fetchRead(fetch) : lookupRead(converters[index]!);
  if (!read) return undefined;
  if (index < 0) return { read: read as CounterRead, rest: converters };
  const source = `=${writtenSample({ fetch, converters: converters.slice(0, index) })}`;
  return { read: { ...read, source }, rest: converters.slice(index + 1) };
}

/** `undefined`: it is none, or has converters that do not go with numbers. */
export function readCounter(sample: Sample): CounterRead | undefined {
  const counter = counterIn(sample);
  const conversion = counter && convert(counter.rest, "number");
  if (!conversion || conversion.kind === "binary") return undefined;
  const { transforms } = conversion;
  return transforms.length === 0 ? counter.read : { ...counter.read, transforms };
}

/** `sc_get_gpc0(0,table)`, `sc0_get_gpc0(table)`, `src_get_gpc0(table)`, `sc_inc_gpc(1,0)`. */
function fetchRead({ name, args }: Call): CounterRead | undefined {
  const [, number, source, what = ""] = /^(?:sc([0-9]*)|(src))_(\w+)$/.exec(name) ?? [];
  if (what === "") return undefined;
  const verb = /^(?:get|inc|clr)_(?=gp[ct])/.exec(what)?.[0];
  const isTracked = what === "tracked";
  const found = isTracked
    ? { counter: { type: "Entry" } as const, rest: args }
    : counterOf(verb ? what.slice(4) : what, args);
  if (!found || (isTracked && source !== undefined)) return undefined;
  // `get_gpc0`, but `gpc0_rate`.
  const { counter, rest } = found;
  if ((counter.type === "General" || counter.type === "Tag") !== (verb !== undefined)) return undefined;
  const isNumbered = source !== undefined || number !== "";
  const slot = isNumbered ? number : rest[0];
  const table = (isNumbered ? rest[0] : rest[1]) || undefined;
  return {
    source: source ?? `sc${slot ?? ""}`,
    ...(table !== undefined && { table }),
    counter,
    ...(verb === "inc_" && { effect: "add" }),
    ...(verb === "clr_" && { effect: "clear" }),
  };
}

function lookupRead({ name, args }: Call): Omit<CounterRead, "source"> | undefined {
  const found =
    name === "in_table"
      ? { counter: { type: "Entry" } as const, rest: args }
      : counterOf(name.slice("table_".length), args);
  if (!found) return undefined;
  const table = found.rest[0] || undefined;
  return { counter: found.counter, ...(table !== undefined && { table }) };
}
