// Backends that filters name beside those of backendRefs: of mirrors and of error pages.
import type { Filter } from "#contract/http-route.ts";
import type { Path } from "../report.ts";

/** Each with its place in the filter. */
export function backendsOfFilter(filter: Filter): { readonly name: string; readonly steps: Path }[] {
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
