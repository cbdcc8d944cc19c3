// A snapshot as text, a line of JSON for each route and backend, and how it is read a piece at a time: one with 10,000
// routes in one go would hold up requests for tenths of a second. Lines that the version before had, too, are not read
// again: most new versions change a few.
import { z } from "zod";
import { limits } from "./limits.ts";
import {
  snapshotBackendSchema,
  snapshotRouteSchema,
  snapshotSchema,
  versionedSnapshotSchema,
  type SnapshotBackend,
  type SnapshotRoute,
  type VersionedSnapshot,
} from "./snapshot.ts";
import { allAtOnce, itemsPerStep, type Steps } from "./steps.ts";

/** The first line: everything but the two long lists, of which it has the lengths. */
const headSchema = versionedSnapshotSchema.extend({
  snapshot: snapshotSchema.omit({ routes: true, backends: true }),
  routes: z.int().min(0).max(limits.routes),
  backends: z.int().min(0).max(limits.backends),
});
/** Lines that are known already cost as much together as one that has to be parsed and checked. */
const knownPerItem = 64;

export function snapshotLines({ version, hash, snapshot }: VersionedSnapshot): string {
  const { routes, backends, ...rest } = snapshot;
  const head = { version, hash, snapshot: rest, routes: routes.length, backends: backends.length };
  return [head, ...routes, ...backends].map((line) => JSON.stringify(line)).join("\n");
}

/** Reads one version after the other. */
export class SnapshotReader {
  /** Routes and backends of the version that was read last, by their lines. */
  #routes: ReadonlyMap<string, SnapshotRoute> = new Map();
  #backends: ReadonlyMap<string, SnapshotBackend> = new Map();

  /**
   * A route or backend whose line has not changed is the same object as in the version before. Throws when a line is
   * missing or has not the shape it must have.
   */
  *read(text: string): Steps<VersionedSnapshot> {
    const [first = "", ...lines] = text.split("\n");
    const { version, hash, snapshot, ...counts } = headSchema.parse(JSON.parse(first));
    if (lines.length !== counts.routes + counts.backends) {
      const expected = `${counts.routes} routes and ${counts.backends} backends`;
      throw new Error(`expected ${expected}, found ${lines.length} lines`);
    }
    const routes = yield* readItems(lines.slice(0, counts.routes), snapshotRouteSchema, this.#routes);
    const backends = yield* readItems(lines.slice(counts.routes), snapshotBackendSchema, this.#backends);
    this.#routes = routes;
    this.#backends = backends;
    return {
      version,
      hash,
      snapshot: { ...snapshot, routes: [...routes.values()], backends: [...backends.values()] },
    };
  }
}

function* readItems<Item>(
  lines: readonly string[],
  schema: z.ZodType<Item>,
  known: ReadonlyMap<string, Item>,
): Steps<Map<string, Item>> {
  const items = new Map<string, Item>();
  let work = Infinity;
  for (const line of lines) {
    if (work >= itemsPerStep) {
      yield;
      work = 0;
    }
    const same = known.get(line);
    items.set(line, same ?? schema.parse(JSON.parse(line)));
    work += same ? 1 / knownPerItem : 1;
  }
  if (items.size !== lines.length) throw new Error("expected each route and backend once");
  return items;
}

export function parseSnapshotLines(text: string): VersionedSnapshot {
  return allAtOnce(new SnapshotReader().read(text));
}
