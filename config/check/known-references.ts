// A name that refers to nothing: its traffic would be answered 404 or 500.
import { nearestName } from "../native/nearest-name.ts";
import type { NativeRateLimit } from "../native/rate-limit.ts";
import { connectionRoutes, connectionRules, filtersOf } from "../rule.ts";
import type { Path } from "../report.ts";
import type { Check } from "./check.ts";
import { backendsOfFilter } from "#contract/filter-backends.ts";

export const knownReferences: Check = (config, report) => {
  const index = (what: string, names: readonly string[]) => {
    const known = new Set(names);
    // null: a reference that its author, or an importer, knows to lead nowhere.
    return (name: string | null, path: Path): void => {
      if (name === null || known.has(name)) return;
      const near = nearestName(name, names);
      report.add({
        code: "reference-unknown",
        path,
        message: `no ${what} is named ${JSON.stringify(name)}`,
        remedy:
          near === undefined
            ? `Add the ${what}, or correct the name.`
            : `Did you mean ${JSON.stringify(near)}?`,
      });
    };
  };
  const listener = index(
    "listener",
    config.listeners.map(({ name }) => name),
  );
  const backend = index(
    "backend",
    config.backends.map(({ name }) => name),
  );

  const policy = index(
    "rate limit policy",
    config.rateLimitPolicies.map(({ name }) => name),
  );
  const policies = (block: NativeRateLimit | undefined, path: Path): void => {
    for (const [position, name] of (block?.policies ?? []).entries()) {
      policy(name, [...path, "rateLimit", "policies", position]);
    }
  };

  const pages = index(
    "set of error pages",
    config.errorPages.map(({ name }) => name),
  );
  for (const [position, { errorPages }] of config.listeners.entries()) {
    if (errorPages !== undefined) pages(errorPages, ["listeners", position, "errorPages"]);
  }

  for (const { list, index: routeIndex, route } of connectionRoutes(config)) {
    for (const [position, name] of (route.listeners ?? []).entries()) {
      listener(name, [list, routeIndex, "listeners", position]);
    }
  }
  for (const { path, rule } of connectionRules(config)) {
    for (const [position, { name }] of rule.backendRefs.entries()) {
      backend(name, [...path, "backendRefs", position, "name"]);
    }
  }
  for (const [routeIndex, route] of config.routes.entries()) {
    policies(route.rateLimit, ["routes", routeIndex]);
    for (const [position, name] of (route.listeners ?? []).entries()) {
      listener(name, ["routes", routeIndex, "listeners", position]);
    }
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex];
      policies(rule.rateLimit, path);
      if (rule.errorPages !== undefined) pages(rule.errorPages, [...path, "errorPages"]);
      for (const [position, { name }] of rule.backendRefs.entries()) {
        backend(name, [...path, "backendRefs", position, "name"]);
      }
      for (const { filter, steps } of filtersOf(rule)) {
        for (const named of backendsOfFilter(filter))
          backend(named.name, [...path, ...steps, ...named.steps]);
      }
    }
  }
};
