// A snapshot read and checked a piece at a time, from text of which each line is JSON, or from a value. One with 10,000
// routes in one go would hold up requests for tenths of a second.
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
/** Its long lists are yet to be checked. */
const shellSchema = versionedSnapshotSchema.extend({
  snapshot: snapshotSchema.extend({
    routes: z.array(z.unknown()).max(limits.routes),
    backends: z.array(z.unknown()).max(limits.backends),
  }),
});
const routesSchema = z.array(snapshotRouteSchema).max(itemsPerStep);
const backendsSchema = z.array(snapshotBackendSchema).max(itemsPerStep);

export function snapshotLines({ version, hash, snapshot }: VersionedSnapshot): string {
  const { routes, backends, ...rest } = snapshot;
  const head = { version, hash, snapshot: rest, routes: routes.length, backends: backends.length };
  return [head, ...pieces(routes), ...pieces(backends)].map((line) => JSON.stringify(line)).join("\n");
}

function pieces<Item>(items: readonly Item[]): Item[][] {
  return Array.from({ length: Math.ceil(items.length / itemsPerStep) }, (_, index) =>
    items.slice(index * itemsPerStep, (index + 1) * itemsPerStep),
  );
}

/** Throws when a line is missing or has not the shape it must have. */
export function* readSnapshotLines(text: string): Steps<VersionedSnapshot> {
  const lines = text.split("\n");
  const head = headSchema.parse(JSON.parse(lines[0] ?? ""));
  const routes: SnapshotRoute[] = [];
  const backends: SnapshotBackend[] = [];
  for (const line of lines.slice(1)) {
    yield;
    if (routes.length < head.routes) routes.push(...routesSchema.parse(JSON.parse(line)));
    else backends.push(...backendsSchema.parse(JSON.parse(line)));
  }
  if (routes.length !== head.routes || backends.length !== head.backends) {
    throw new Error(
      `expected ${head.routes} routes and ${head.backends} backends, found ${routes.length} and ${backends.length}`,
    );
  }
  return {
    version: head.version,
    hash: head.hash,
    snapshot: { ...head.snapshot, routes, backends },
  };
}

/** Throws a `ZodError` when the value is no snapshot. */
export function* checkSnapshot(value: unknown): Steps<VersionedSnapshot> {
  const { snapshot, ...name } = shellSchema.parse(value);
  const routes: SnapshotRoute[] = [];
  const backends: SnapshotBackend[] = [];
  for (const piece of pieces(snapshot.routes)) {
    yield;
    routes.push(...routesSchema.parse(piece));
  }
  for (const piece of pieces(snapshot.backends)) {
    yield;
    backends.push(...backendsSchema.parse(piece));
  }
  return { ...name, snapshot: { ...snapshot, routes, backends } };
}

export function parseSnapshotLines(text: string): VersionedSnapshot {
  return allAtOnce(readSnapshotLines(text));
}
