// Reads snapshots from their lines, a piece at a time: one with 10,000 routes in one go would hold up requests for tenths of
// a second. Of a change only its own lines are read; all other routes and backends are the objects of the version before, by
// which those who run them know what is still the same.
import type { z } from "zod";
import { snapshotHead, splitText } from "./snapshot-lines.ts";
import { snapshotBackendSchema, snapshotRouteSchema, type VersionedSnapshot } from "./snapshot.ts";
import { allAtOnce, keptItem, StepLength, type Steps } from "./steps.ts";

/** Reads one version after the other. */
export class SnapshotReader {
  /** What was read last. */
  #last: VersionedSnapshot | undefined;

  /** Of the snapshot that a text may be a change of. */
  get hash(): string | undefined {
    return this.#last?.hash;
  }

  /**
   * Throws when a line is missing or has not the shape it must have, and for a change of another snapshot than the last one.
   * That one is forgotten then, so that what comes next is whole. A text with the hash of the last one is not read again.
   */
  *read(text: string): Steps<VersionedSnapshot> {
    const last = this.#last;
    try {
      const head = snapshotHead(text);
      // Of the last good snapshot, say, which was read while the answer of the region was on its way.
      if (last && !head.change && head.hash === last.hash)
        return (this.#last = { ...last, version: head.version });
      const { lists } = splitText(text, last && { hash: last.hash, ...last.snapshot }, head);
      const step = new StepLength();
      yield;
      const routes = yield* readItems(lists.routes, snapshotRouteSchema, step);
      const backends = yield* readItems(lists.backends, snapshotBackendSchema, step);
      const { version, hash, snapshot } = head;
      // Or it was read as a whole while this one was: whoever has compiled it knows those objects.
      const known = this.#last?.hash === hash ? this.#last.snapshot : { ...snapshot, routes, backends };
      this.#last = { version, hash, snapshot: known };
      return this.#last;
    } catch (error) {
      if (this.#last === last) this.#last = undefined;
      throw error;
    }
  }
}

function* readItems<Item extends { readonly name: string }>(
  list: readonly (Item | string)[],
  schema: z.ZodType<Item>,
  step: StepLength,
): Steps<Item[]> {
  const items: Item[] = [];
  const names = new Set<string>();
  for (const line of list) {
    if (step.isFull(typeof line === "string" ? 1 : keptItem)) yield;
    const item = typeof line === "string" ? schema.parse(JSON.parse(line)) : line;
    items.push(item);
    names.add(item.name);
  }
  if (names.size !== items.length) throw new Error("expected each route and backend once");
  return items;
}

/** A text that is a whole snapshot. */
export function parseSnapshotLines(text: string): VersionedSnapshot {
  return allAtOnce(new SnapshotReader().read(text));
}
