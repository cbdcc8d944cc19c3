// What changed between two snapshots, by name.
import type { Change } from "#contract/admin.ts";
import { canonicalJson } from "#contract/canonical-json.ts";
import type { Snapshot } from "#contract/snapshot.ts";

/**
 * Listeners, then routes of each kind, backends, error pages and settings, each in the order of their names. Empty: the same
 * configuration. `isSame`: for who knows a shorter way to compare two parts.
 */
export function diffSnapshots(
  from: Snapshot,
  to: Snapshot,
  isSame: (a: unknown, b: unknown) => boolean = isEqual,
): Change[] {
  const diffNamed = (what: Change["what"], before: Named, after: Named): Change[] =>
    diffParts(what, before, after, isSame);
  return [
    ...diffNamed("listener", byName(from.listeners), byName(to.listeners)),
    ...diffNamed("route", byName(from.routes), byName(to.routes)),
    ...diffNamed("tcpRoute", byName(from.tcpRoutes ?? []), byName(to.tcpRoutes ?? [])),
    ...diffNamed("tlsRoute", byName(from.tlsRoutes ?? []), byName(to.tlsRoutes ?? [])),
    ...diffNamed("backend", byName(from.backends), byName(to.backends)),
    ...diffNamed("errorPages", byName(from.errorPages ?? []), byName(to.errorPages ?? [])),
    ...diffNamed("counterTable", byName(from.counterTables ?? []), byName(to.counterTables ?? [])),
    ...diffNamed("settings", new Map(Object.entries(from.settings)), new Map(Object.entries(to.settings))),
  ];
}

function byName<T extends { name: string }>(items: readonly T[]): Map<string, T> {
  return new Map(items.map((item) => [item.name, item]));
}

type Named = ReadonlyMap<string, unknown>;

function diffParts(
  what: Change["what"],
  from: Named,
  to: Named,
  isSame: (a: unknown, b: unknown) => boolean,
): Change[] {
  const changes: Change[] = [];
  for (const [name, before] of from) {
    const after = to.get(name);
    if (!to.has(name)) changes.push({ kind: "removed", what, name, before });
    else if (!isSame(before, after)) changes.push({ kind: "changed", what, name, before, after });
  }
  for (const [name, after] of to) if (!from.has(name)) changes.push({ kind: "added", what, name, after });
  return changes.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Snapshots that were stored have the canonical order already: then the plain text says it in a third of the time. */
function isEqual(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b) || canonicalJson(a) === canonicalJson(b);
}
