// The counter tables of a configuration, with the keys that requests have in them. Tables outlive the configuration.
import { limits } from "#contract/limits.ts";
import {
  type Counter,
  type CounterTableConfig,
  type Counting,
  parseCounterReference,
} from "#contract/counter.ts";
import { type ClientRequest, compileOptionalText } from "../filter/request-text.ts";
import { composeKey } from "../limit/limit-key.ts";
import { CounterTable } from "./counter-table.ts";

type KeyOf = (request: ClientRequest) => string | undefined;

/** A key of a table. */
export interface CounterPlace {
  readonly table: CounterTable;
  /** `undefined`: the request has none. */
  readonly keyOf: KeyOf;
}

export interface CounterReader extends CounterPlace {
  readonly counter: Counter;
}

interface Compiled {
  readonly config: CounterTableConfig;
  readonly table: CounterTable;
  readonly places: ReadonlyMap<string, CounterPlace>;
}

export class CounterTables {
  readonly #tables: ReadonlyMap<string, Compiled>;
  /** By reference; as many as the configuration has. */
  readonly #readers = new Map<string, CounterReader | undefined>();

  /** Of the configuration before, tables that keep the same counters go on. */
  constructor(configs: readonly CounterTableConfig[] = [], previous?: CounterTables) {
    const before = previous && previous.#tables;
    const bytes = Math.floor(limits.counterBytes / Math.max(1, configs.length));
    this.#tables = new Map(
      configs.map((config) => [config.name, compile(config, bytes, before?.get(config.name))]),
    );
  }

  get isEmpty(): boolean {
    return this.#tables.size === 0;
  }

  place({ table, key }: Pick<Counting, "table" | "key">): CounterPlace | undefined {
    return this.#tables.get(table)?.places.get(key);
  }

  /** Of a text's reference; `undefined`: to nothing. */
  reader(reference: string): CounterReader | undefined {
    if (this.#readers.has(reference)) return this.#readers.get(reference);
    const parsed = parseCounterReference(reference);
    const place = parsed && this.place(parsed);
    const reader = place && { ...place, counter: parsed.counter };
    this.#readers.set(reference, reader);
    return reader;
  }
}

function compile(config: CounterTableConfig, maxBytes: number, before: Compiled | undefined): Compiled {
  const isSame = before && JSON.stringify(before.config.counters) === JSON.stringify(config.counters);
  const table = isSame ? before.table : new CounterTable(config, maxBytes);
  if (isSame) table.resize(config, maxBytes);
  const places = config.keys.map(({ name, parts }): [string, CounterPlace] => {
    const textOf = compileOptionalText(parts);
    const keyOf = (request: ClientRequest): string | undefined => {
      const text = textOf(request);
      return text === undefined ? undefined : composeKey([text]);
    };
    return [name, { table, keyOf }];
  });
  return { config, table, places: new Map(places) };
}
