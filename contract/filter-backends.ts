// Backends that filters name beside those of backendRefs: of mirrors and of error pages.
import type { Filter } from "./http-route.ts";

interface NamedBackend {
  readonly name: string;
  /** Its place in the filter. */
  readonly steps: readonly (string | number)[];
}

export function backendsOfFilter(filter: Filter): NamedBackend[] {
  if (filter.type === "RequestMirror") {
    const steps = ["requestMirror", "backendRef", "name"];
    return [{ name: filter.requestMirror.backendRef.name, steps }];
  }
  if (filter.type !== "ResponseOverride") return [];
  return filter.responseOverride.flatMap(({ response: { backendRef } }, index) => {
    const steps = ["responseOverride", index, "response", "backendRef", "name"];
    return backendRef ? [{ name: backendRef.name, steps }] : [];
  });
}
