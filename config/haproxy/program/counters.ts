// The stick tables of a file as counter tables, as far as anything asks for them, and what one way through its programs has
// counted in them so far.
import {
  counterId,
  counterReference,
  type CountedType,
  type Counter,
  type StoredCounter,
} from "#contract/counter.ts";
import { limits } from "#contract/limits.ts";
import type { RequestText } from "#contract/request-text.ts";
import { formatDuration } from "../../duration-text.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import type { CounterTexts, Standpoint } from "../condition/changes.ts";
import { always, never, type Condition, type Test } from "../condition/condition.ts";
import type { CounterRead } from "../condition/counter-read.ts";
import { transformed } from "../condition/text-parts.ts";
import type { Names } from "../model/names.ts";
import type { Notes } from "../notes.ts";
import type { Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import { counterKey } from "./counter-key.ts";
import { readStickTable } from "./stick-table.ts";

export type CounterTableInput = NonNullable<NativeConfigInput["counterTables"]>[number];
type RuleInput = NonNullable<NativeConfigInput["routes"]>[number]["rules"][number];
export type CountingInput = NonNullable<RuleInput["counting"]>[number];

export interface ImportedCounterTable {
  readonly statement: Statement;
  readonly table: CounterTableInput;
}

/** A key of a table, by their names in the model. */
export interface Place {
  readonly table: string;
  readonly key: string;
}

interface Known {
  readonly owner: Proxy;
  readonly name: string;
  /** By what they are put together from. */
  readonly keys: Map<string, { readonly name: string; readonly parts: RequestText }>;
  readonly read: Map<string, Counter>;
}

/** Of a whole file. */
export class Counters {
  /** Whether anything has been read: if not, nothing needs to be counted. */
  isAsked = false;
  readonly #sections: ReadonlyMap<string, Proxy>;
  readonly #names: Names;
  readonly #known = new Map<string, Known>();

  constructor(sections: ReadonlyMap<string, Proxy>, names: Names) {
    this.#sections = sections;
    this.#names = names;
  }

  /** Throws `StatementProblem`. */
  place(section: string, parts: RequestText): Place {
    const known = this.#table(section);
    const id = JSON.stringify(parts);
    let key = known.keys.get(id);
    if (!key) known.keys.set(id, (key = { name: keyName(parts, known.keys.size), parts }));
    return { table: known.name, key: key.name };
  }

  /** Of what a counter is read of. Throws `StatementProblem` where the table does not store it. */
  reference(section: string, place: Place, counter: Counter): string {
    const { owner, read } = this.#table(section);
    const id = counterId(counter);
    if (counter.type !== "Entry" && !readStickTable(owner).counters.some((kept) => counterId(kept) === id)) {
      return invalid(`the table of ${JSON.stringify(section)} does not store what is asked for`, {
        remedy: "Add it to `store`.",
      });
    }
    read.set(id, counter);
    return counterReference({ ...place, counter });
  }

  /** Whether a section has a table. */
  has(section: string): boolean {
    const owner = this.#sections.get(section);
    return owner !== undefined && readStickTable(owner).isThere;
  }

  /** Tables of which something is read. */
  tables(notes: Notes): ImportedCounterTable[] {
    return [...this.#known.values()].flatMap(
      (known) => attempt(known.owner.heading, notes, () => asTable(known, notes)) ?? [],
    );
  }

  /** Without what nobody reads. */
  counted(list: readonly CountingInput[]): CountingInput[] {
    const tables = new Map([...this.#known.values()].map(({ name, read }) => [name, read]));
    return list.filter((counting) => {
      const read = tables.get(counting.table);
      if (!read || read.size === 0) return false;
      if (counting.type === "Track") return true;
      const { type, index = 0 } = counting.counter;
      return read.has(counterId({ type, index })) || read.has(counterId({ type: "GeneralRate", index }));
    });
  }

  #table(section: string): Known {
    let known = this.#known.get(section);
    if (!known) {
      const owner = this.#sections.get(section);
      if (!owner || !this.has(section)) {
        return invalid(`no section with a stick-table is named ${JSON.stringify(section)}`);
      }
      known = { owner, name: this.#names.take(section), keys: new Map(), read: new Map() };
      this.#known.set(section, known);
    }
    return known;
  }
}

function asTable({ owner, name, keys, read }: Known, notes: Notes): ImportedCounterTable[] {
  if (read.size === 0) return [];
  const { statement, size, expireMs, counters } = readStickTable(owner);
  const maxEntries = Math.min(size, limits.counterEntries);
  notes.add(statement, {
    code: "statement-approximated",
    message: `each process of the gateway counts for itself, ${maxEntries} keys at most`,
  });
  const wanted = counters.filter(({ type, index }) => read.has(counterId({ type, index })));
  // A table that is only looked into still has entries.
  const kept = wanted.length > 0 ? wanted : counters.slice(0, 1);
  const table: CounterTableInput = {
    name,
    maxEntries,
    ...(expireMs > 0 && { expiry: formatDuration(expireMs) }),
    counters: (kept.length > 0 ? kept : [requests]).map((counter) => ({
      type: counter.type,
      ...(counter.index !== undefined && { index: counter.index }),
      ...(counter.periodMs !== undefined && { period: formatDuration(counter.periodMs) }),
    })),
    keys: [...keys.values()].map((key) => ({ name: key.name, parts: key.parts })),
  };
  return [{ statement, table }];
}

const requests: StoredCounter = { type: "RequestCount" };

function keyName([first]: RequestText, count: number): string {
  const label = first?.from === "ClientIP" ? "address" : (first?.name ?? first?.from ?? "key").toLowerCase();
  return `${
    label
      .replace(/[^a-z0-9-]+/g, "-")
      .replace(/^-+/, "")
      .slice(0, 40) || "key"
  }${count === 0 ? "" : `-${count + 1}`}`;
}

/** What one way has tracked and counted; replaced, never changed. */
export class Counted implements CounterTexts {
  /** In order. */
  readonly list: readonly CountingInput[];
  readonly #counters: Counters;
  /** Whether the request has been seen: before, only its connection has. */
  readonly #isRequest: boolean;
  /** By `sc0`: section of its table, and key. */
  readonly #tracked: ReadonlyMap<string, { readonly section: string; readonly parts: RequestText }>;

  constructor(
    counters: Counters,
    list: readonly CountingInput[] = [],
    tracked: ReadonlyMap<string, { readonly section: string; readonly parts: RequestText }> = new Map(),
    isRequest = false,
  ) {
    this.#counters = counters;
    this.list = list;
    this.#tracked = tracked;
    this.#isRequest = isRequest;
  }

  asRequest(): Counted {
    return new Counted(this.#counters, this.list, this.#tracked, true);
  }

  /** The first one of a number counts. Throws `StatementProblem`. */
  track(slot: string, section: string, parts: RequestText): Counted {
    if (this.#tracked.has(slot)) return this;
    const place = this.#counters.place(section, parts);
    const tracked = new Map(this.#tracked).set(slot, { section, parts });
    return new Counted(this.#counters, [...this.list, { type: "Track", ...place }], tracked, this.#isRequest);
  }

  /** Nothing, where nothing is tracked. Throws `StatementProblem`. */
  count(read: CounterRead, how: Counting, at: Standpoint): Counted {
    const found = this.#entryOf(read, at);
    if (!found) return this;
    const { index, type } = read.counter;
    const counter = { type: type as CountedType, ...(index !== undefined && { index }) };
    const made: CountingInput = { ...how, ...this.#counters.place(found.section, found.parts), counter };
    return new Counted(this.#counters, [...this.list, made], this.#tracked, this.#isRequest);
  }

  conditionOf(read: CounterRead, test: Test, at: Standpoint): Condition {
    if (read.effect) return unsupported("this condition does not count", "Count in an `http-request` rule.");
    const found = this.#value(read, at);
    if (found === undefined) return never;
    const { operator, values } = test;
    if (typeof found === "number") {
      if (operator === "present") return always;
      return values.some((range) => isWithin(found, range)) ? always : never;
    }
    const shifted = "add" in found ? values.map((range) => shift(range, -found.add)) : values;
    const subject = { type: "text", parts: found.parts } as const;
    return { kind: "test", test: { ...test, subject, values: shifted } };
  }

  textOf(read: CounterRead, at: Standpoint): RequestText {
    const found = this.#value(read, at);
    if (found === undefined) return [];
    if (typeof found === "number") return [{ text: String(found) }];
    return "add" in found ? transformed(found.parts, [added(found.add)])! : found.parts;
  }

  /** Known, or a text to which something is yet to be added. */
  #value(
    read: CounterRead,
    at: Standpoint,
  ):
    | number
    | { readonly parts: RequestText; readonly add: number }
    | { readonly parts: RequestText }
    | undefined {
    this.#counters.isAsked = true;
    const entry = this.#entryOf(read, at);
    if (!entry) return undefined;
    const { section, parts: keyParts } = entry;
    const place = this.#counters.place(section, keyParts);
    const name = this.#counters.reference(section, place, read.counter);
    const { known, add } = this.#pending(place, read.counter);
    const { transforms = [] } = read;
    if (known !== undefined) {
      if (transforms.length === 0) return known + add;
      return unsupported("what is known of a counter is not converted", "Compare the counter itself.");
    }
    if (transforms.length === 0) return { parts: [{ from: "Counter", name }], ...(add !== 0 && { add }) };
    const all = add === 0 ? transforms : [added(add), ...transforms];
    return { parts: [{ from: "Counter", name, transforms: [...all] }] };
  }

  /** What the way itself has made of a counter. */
  #pending(place: Place, { type, index = 0 }: Counter): { known?: number; add: number } {
    let known: number | undefined;
    let add = 0;
    for (const counting of this.list) {
      if (counting.table !== place.table || counting.key !== place.key) continue;
      if (counting.type !== "Track" && counting.responses !== undefined) continue;
      if (type === "Entry") known = 1;
      else if (counting.type === "Track") {
        if (this.#isRequest && tracks.has(type)) add += 1;
      } else if ((counting.counter.index ?? 0) !== index) continue;
      else if (counting.type === "Set") {
        if (counting.counter.type === type) [known, add] = [counting.value ?? 1, 0];
      } else if (
        counting.counter.type === type ||
        (type === "GeneralRate" && counting.counter.type === "General")
      ) {
        add += counting.value ?? 1;
      }
    }
    return { ...(known !== undefined && { known }), add };
  }

  #entryOf(
    { source, table }: CounterRead,
    at: Standpoint,
  ): { readonly section: string; readonly parts: RequestText } | undefined {
    if (source.startsWith("sc")) {
      const tracked = this.#tracked.get(source);
      return tracked && { section: table ?? tracked.section, parts: tracked.parts };
    }
    const own = [at.draft.backend, at.surroundings.frontend].find((name) => name && this.#counters.has(name));
    const section = table ?? own ?? invalid("the name of a table is missing");
    const parts = counterKey(source.replace(/^=/, ""), at);
    return parts && { section, parts };
  }
}

type Responses = NonNullable<Extract<CountingInput, { type: "Add" | "Set" }>["responses"]>;

/** What is done to a counter. */
export interface Counting {
  readonly type: "Add" | "Set";
  readonly value: number;
  /** Absent: at once. */
  readonly responses?: Responses;
}

const tracks: ReadonlySet<Counter["type"]> = new Set(["RequestCount", "RequestRate", "ConcurrentRequests"]);

function added(operand: number) {
  return { type: "Arithmetic" as const, arithmetic: { operation: "Add" as const, operand } };
}

function isWithin(value: number, range: string): boolean {
  const [min = "", max = ""] = range.split(":");
  return (min === "" || value >= Number(min)) && (max === "" || value <= Number(max));
}

function shift(range: string, by: number): string {
  return range
    .split(":")
    .map((bound) => (bound === "" ? "" : String(Number(bound) + by)))
    .join(":");
}
