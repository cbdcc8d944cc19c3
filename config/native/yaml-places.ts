// Places in plain YAML, found in the events of `js-yaml`'s parser: a quarter of the time and memory that the tree of the
// `yaml` package takes. Where a place is not plain, it is `undefined`: then the tree has the word.
import { EVENT_ID, type Event, getScalarValue, SCALAR_STYLE, YAMLException } from "js-yaml";
import type { Path } from "../report.ts";
import { boundedEvents } from "./yaml-events.ts";

export interface YamlPlaces {
  /** Offset of the value at the path, or of its key; where nothing is, of the nearest parent that exists. */
  offsetOf(path: Path, at: "key" | "value"): number | undefined;
}

/** Of a text that is one document, read as a whole. `undefined`: it cannot be read this way. */
export function yamlPlaces(text: string): YamlPlaces | undefined {
  try {
    const events = boundedEvents(text);
    // The document's own event comes first.
    return !events || events.length < 3 ? undefined : new EventPlaces(text, events);
  } catch (error) {
    if (error instanceof YAMLException) return undefined;
    throw error;
  }
}

/** A value in a collection, by the numbers of the events. */
interface Entry {
  readonly key: number | undefined;
  readonly value: number;
}

class EventPlaces implements YamlPlaces {
  readonly #text: string;
  readonly #events: readonly Event[];
  /** By event of a collection: what is in it, read when somebody first asks. */
  readonly #entries = new Map<number, ReadonlyMap<string | number, Entry>>();

  constructor(text: string, events: readonly Event[]) {
    this.#text = text;
    this.#events = events;
  }

  offsetOf(path: Path, at: "key" | "value"): number | undefined {
    let node = 1;
    let offset = this.#startOf(node);
    for (const [index, step] of path.entries()) {
      const isMap = this.#events[node]!.type === EVENT_ID.MAPPING;
      const entry = this.#entriesOf(node).get(isMap ? String(step) : step);
      if (!entry) break;
      node = entry.value;
      const wantsKey = at === "key" && index === path.length - 1;
      const isEmpty = this.#isEmpty(node);
      if (entry.key !== undefined && (wantsKey || isEmpty)) offset = this.#startOf(entry.key);
      else if (!isEmpty) offset = this.#startOf(node);
      else return undefined;
      if (offset === undefined) return undefined;
    }
    return offset;
  }

  #entriesOf(node: number): ReadonlyMap<string | number, Entry> {
    const known = this.#entries.get(node);
    if (known) return known;
    const entries = new Map<string | number, Entry>();
    const isMap = this.#events[node]!.type === EVENT_ID.MAPPING;
    if (isMap || this.#events[node]!.type === EVENT_ID.SEQUENCE) {
      for (let next = node + 1; this.#events[next]!.type !== EVENT_ID.POP;) {
        const key = isMap ? next : undefined;
        const value = key === undefined ? next : this.#behind(key);
        entries.set(key === undefined ? entries.size : this.#keyText(key), { key, value });
        next = this.#behind(value);
      }
    }
    this.#entries.set(node, entries);
    return entries;
  }

  #keyText(key: number): string {
    const event = this.#events[key]!;
    return event.type === EVENT_ID.SCALAR ? getScalarValue(this.#text, event) : "";
  }

  /** The event behind a value and all that is in it. */
  #behind(node: number): number {
    let depth = 0;
    for (let next = node; ; next += 1) {
      const { type } = this.#events[next]!;
      if (type === EVENT_ID.MAPPING || type === EVENT_ID.SEQUENCE) depth += 1;
      else if (type === EVENT_ID.POP) depth -= 1;
      if (depth === 0) return next + 1;
    }
  }

  /** `key:` with nothing after it. */
  #isEmpty(node: number): boolean {
    const event = this.#events[node]!;
    return event.type === EVENT_ID.SCALAR && event.style === SCALAR_STYLE.PLAIN && event.valueStart < 0;
  }

  /** Of quoted scalars the quote is the first character; block scalars do not tell where their sign is. */
  #startOf(node: number): number | undefined {
    const event = this.#events[node]!;
    if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) return event.start;
    if (event.type !== EVENT_ID.SCALAR || event.valueStart < 0) return undefined;
    if (event.style === SCALAR_STYLE.PLAIN) return event.valueStart;
    const isQuoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
    return isQuoted ? event.valueStart - 1 : undefined;
  }
}
