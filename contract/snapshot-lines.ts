// A snapshot as text: a line of JSON for each route and backend, and one before them for all the rest. So two versions
// differ in the lines that have changed, and those are what is sent, stored and read of the later one.
import { z } from "zod";
import { limits } from "./limits.ts";
import { snapshotSchema, type VersionedSnapshot, versionedSnapshotSchema } from "./snapshot.ts";

/** Where in the list before, how many of its items go, and how many of the text's lines come there. In ascending order. */
const editSchema = z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)]);
type Edit = z.infer<typeof editSchema>;

/** The first line: everything but the two long lists, of which it has the lengths. */
const snapshotHeadSchema = versionedSnapshotSchema.extend({
  snapshot: snapshotSchema.omit({ routes: true, backends: true }),
  routes: z.int().min(0).max(limits.routes),
  backends: z.int().min(0).max(limits.backends),
  /** The other lines are a change of the snapshot with this hash. Absent: they are all of them. */
  change: z
    .strictObject({
      base: versionedSnapshotSchema.shape.hash,
      routes: z.array(editSchema).max(limits.routes + 1),
      backends: z.array(editSchema).max(limits.backends + 1),
    })
    .optional(),
});
type Head = z.infer<typeof snapshotHeadSchema>;

/** The two long lists. */
interface Lists<Route, Backend> {
  readonly routes: readonly Route[];
  readonly backends: readonly Backend[];
}

export class SnapshotLines implements Lists<string, string> {
  readonly #head: Omit<Head, "change">;
  readonly routes: readonly string[];
  readonly backends: readonly string[];
  /** Hash of what it was read as a change of. Absent: it was read, or made, as a whole. */
  readonly base: string | undefined;

  private constructor({ change, ...head }: Head, { routes, backends }: Lists<string, string>) {
    this.#head = head;
    this.routes = routes;
    this.backends = backends;
    this.base = change?.base;
  }

  /** `lineOf`: the JSON of a route or backend. */
  static of(
    { version, hash, snapshot }: VersionedSnapshot,
    lineOf: (item: object) => string = JSON.stringify,
  ): SnapshotLines {
    const { routes, backends, ...rest } = snapshot;
    const head = { version, hash, snapshot: rest, routes: routes.length, backends: backends.length };
    return new SnapshotLines(head, {
      routes: routes.map((route) => lineOf(route)),
      backends: backends.map((backend) => lineOf(backend)),
    });
  }

  /** `base`: what a text that is a change was made from. Throws for a damaged text, and for a change of another base. */
  static parse(text: string, base?: SnapshotLines): SnapshotLines {
    const { head, lists } = splitText(text, base);
    return new SnapshotLines(head, lists);
  }

  get version(): number {
    return this.#head.version;
  }

  get hash(): string {
    return this.#head.hash;
  }

  /** All of it. */
  text(): string {
    return [JSON.stringify(this.#head), ...this.routes, ...this.backends].join("\n");
  }

  /** What is another than in `base`, for whoever has that. */
  changeText(base: SnapshotLines): string {
    const lines: string[] = [];
    const editsOf = (before: readonly string[], after: readonly string[]): Edit[] => {
      const edits = editsBetween(before, after);
      let shift = 0;
      for (const [at, removed, added] of edits) {
        for (const line of after.slice(at + shift, at + shift + added)) lines.push(line);
        shift += added - removed;
      }
      return edits;
    };
    const routes = editsOf(base.routes, this.routes);
    const backends = editsOf(base.backends, this.backends);
    const head: Head = { ...this.#head, change: { base: base.hash, routes, backends } };
    return [JSON.stringify(head), ...lines].join("\n");
  }
}

/** Of a text, whatever follows. */
export function snapshotHead(text: string): Head {
  const end = text.indexOf("\n");
  return snapshotHeadSchema.parse(JSON.parse(end < 0 ? text : text.slice(0, end)));
}

/**
 * The lists of a text; what a change leaves as it is are the items of `base`. Throws where a line is missing or too many,
 * and for a change of another base.
 */
export function splitText<Route, Backend>(
  text: string,
  base: (Lists<Route, Backend> & { readonly hash: string }) | undefined,
  head = snapshotHead(text),
): { readonly head: Head; readonly lists: Lists<Route | string, Backend | string> } {
  const { change } = head;
  const [, ...lines] = text.split("\n");
  if (change && change.base !== base?.hash) throw new Error(`a change of ${change.base}, which is not held`);
  const ofRoutes = change ? change.routes.reduce((sum, [, , added]) => sum + added, 0) : head.routes;
  const edits: Lists<Edit, Edit> = change ?? {
    routes: [[0, 0, head.routes]],
    backends: [[0, 0, head.backends]],
  };
  const known = change ? base : undefined;
  const lists = {
    routes: edited(known?.routes ?? [], edits.routes, lines.slice(0, ofRoutes)),
    backends: edited(known?.backends ?? [], edits.backends, lines.slice(ofRoutes)),
  };
  if (lists.routes.length !== head.routes || lists.backends.length !== head.backends) {
    const found = `${lists.routes.length} and ${lists.backends.length}`;
    throw new Error(`expected ${head.routes} routes and ${head.backends} backends, found ${found}`);
  }
  return { head, lists };
}

/** The list after the edits. Throws where they do not fit it, or the items that are added. */
function edited<Item>(
  before: readonly Item[],
  edits: readonly Edit[],
  added: readonly string[],
): (Item | string)[] {
  const after: (Item | string)[] = [];
  let [kept, taken] = [0, 0];
  for (const [at, removed, count] of edits) {
    if (at < kept || at + removed > before.length) throw new Error("edits that do not fit what they change");
    for (; kept < at; kept += 1) after.push(before[kept]!);
    kept += removed;
    for (const line of added.slice(taken, taken + count)) after.push(line);
    taken += count;
  }
  if (taken !== added.length) throw new Error(`expected ${taken} lines, found ${added.length}`);
  for (; kept < before.length; kept += 1) after.push(before[kept]!);
  return after;
}

/** Few, for lines that both have are in the same order: that of names. */
function editsBetween(before: readonly string[], after: readonly string[]): Edit[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start += 1;
  let tail = 0;
  while (tail < shorter - start && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;

  const places = new Map<string, number>();
  for (let place = start; place < before.length - tail; place += 1) places.set(before[place]!, place);
  const edits: Edit[] = [];
  let [kept, added] = [start, 0];
  const close = (place: number): void => {
    if (place > kept || added > 0) edits.push([kept, place - kept, added]);
    [kept, added] = [place, 0];
  };
  for (const line of after.slice(start, after.length - tail)) {
    const place = places.get(line) ?? -1;
    if (place < kept) added += 1;
    else {
      if (place > kept || added > 0) close(place);
      kept += 1;
    }
  }
  close(before.length - tail);
  return edits;
}
