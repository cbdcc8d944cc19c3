// Parts of texts that say something of the request, or of the gateway, by a name: wherever in the model the texts stand.
import type { NativeConfig } from "../native/schema.ts";
import { nearestName } from "../native/nearest-name.ts";
import type { Path } from "../report.ts";
import type { Check } from "./check.ts";

export interface NamedFact {
  readonly from: string;
  readonly name: string;
  readonly path: Path;
}

export function* namedFacts({ routes, listeners }: NativeConfig): Generator<NamedFact> {
  yield* factsIn(routes, ["routes"]);
  yield* factsIn(listeners, ["listeners"]);
}

function* factsIn(value: unknown, path: Path): Generator<NamedFact> {
  if (typeof value !== "object" || value === null) return;
  if ("from" in value && "name" in value && typeof value.from === "string") {
    yield { from: value.from, name: String(value.name), path };
  }
  for (const [field, part] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (typeof part === "object") yield* factsIn(part, [...path, field]);
  }
}

/** Backends whose endpoints are counted. */
export const countedBackends: Check = (config, report) => {
  const known = new Set(config.backends.map(({ name }) => name));
  for (const { from, name, path } of namedFacts(config)) {
    if (from !== "EndpointsUp" || known.has(name)) continue;
    const near = nearestName(name, [...known]);
    report.add({
      code: "reference-unknown",
      path: [...path, "name"],
      message: `no backend is named ${JSON.stringify(name)}`,
      remedy:
        near === undefined
          ? "Add it to backends, or correct the name."
          : `Did you mean ${JSON.stringify(near)}?`,
    });
  }
};
