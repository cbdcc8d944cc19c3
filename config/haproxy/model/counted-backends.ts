// Backends whose servers `nbsrv` counts: texts name them as the file does, and have to as the model does.
import type { ImportedRoute, Target } from "./routes.ts";

export interface CountedBackends {
  readonly routes: readonly ImportedRoute[];
  /** Their names in the model. */
  readonly counted: ReadonlySet<string>;
}

export function withCountedBackends(
  fronts: readonly { readonly routes: readonly ImportedRoute[] }[],
  targets: ReadonlyMap<string, Target>,
): CountedBackends {
  const counted = new Set<string>();
  const named = (_field: string, part: unknown): unknown => {
    if (typeof part !== "object" || part === null || !("from" in part) || part.from !== "EndpointsUp")
      return part;
    const { name = "" } = part as { name?: string };
    const known = targets.get(name)?.name ?? name;
    counted.add(known);
    return { ...part, name: known };
  };
  const name = (imported: ImportedRoute): ImportedRoute => {
    const text = JSON.stringify(imported.route);
    if (!text.includes('"EndpointsUp"')) return imported;
    return { ...imported, route: JSON.parse(text, named) as ImportedRoute["route"] };
  };
  return { routes: fronts.flatMap(({ routes }) => routes.map(name)), counted };
}
