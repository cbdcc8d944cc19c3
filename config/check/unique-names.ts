// Names are what everything refers to and what versions are compared by, so each is given once.
import type { Path } from "../report.ts";
import type { Check } from "./check.ts";

export const uniqueNames: Check = (config, report) => {
  const check = (
    what: string,
    names: readonly (string | undefined)[],
    path: (index: number) => Path,
  ): void => {
    const seen = new Set<string>();
    for (const [index, name] of names.entries()) {
      if (name === undefined) continue;
      if (seen.has(name)) {
        report.add({
          code: "name-duplicate",
          path: path(index),
          message: `another ${what} is already named ${JSON.stringify(name)}`,
          remedy: `Give each ${what} a name of its own.`,
        });
      }
      seen.add(name);
    }
  };
  const named = (list: readonly { name?: string | undefined }[]) => list.map((item) => item.name);

  check("listener", named(config.listeners), (index) => ["listeners", index, "name"]);
  check("route", named(config.routes), (index) => ["routes", index, "name"]);
  check("TCP route", named(config.tcpRoutes), (index) => ["tcpRoutes", index, "name"]);
  check("TLS route", named(config.tlsRoutes), (index) => ["tlsRoutes", index, "name"]);
  check("backend", named(config.backends), (index) => ["backends", index, "name"]);
  check("rate limit policy", named(config.rateLimitPolicies), (index) => [
    "rateLimitPolicies",
    index,
    "name",
  ]);
  check("set of error pages", named(config.errorPages), (index) => ["errorPages", index, "name"]);
  check("counter table", named(config.counterTables), (index) => ["counterTables", index, "name"]);
  for (const [routeIndex, route] of config.routes.entries()) {
    check("rule of this route", named(route.rules), (index) => [
      "routes",
      routeIndex,
      "rules",
      index,
      "name",
    ]);
  }
};
