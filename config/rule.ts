// What several stages have to know of a rule.
import type { Filter, RouteMatch } from "#contract/http-route.ts";
import type { NativeConfig, NativeRule, NativeTcpRoute, NativeTlsRoute } from "./native/schema.ts";
import type { Path } from "./report.ts";

/** Gateway API: a rule without matches takes every path. */
export const everyPath: RouteMatch = {
  path: { type: "PathPrefix", value: "/" },
  headers: [],
  queryParams: [],
};

interface NamedRoute {
  readonly name: string;
  readonly rules: readonly { readonly name?: string | undefined }[];
}

/** `<route>/<rule name>`, or `<route>/<index>`. Unique, since names of rules start with a letter and have no `/`. */
export function ruleId(route: NamedRoute, ruleIndex: number): string {
  return `${route.name}/${route.rules[ruleIndex]?.name ?? ruleIndex}`;
}

interface ConnectionRouteEntry {
  readonly list: "tcpRoutes" | "tlsRoutes";
  readonly index: number;
  readonly route: NativeTcpRoute | NativeTlsRoute;
}

/** TCP and TLS routes, with the way to each from the model. */
export function connectionRoutes(config: NativeConfig): ConnectionRouteEntry[] {
  return (["tcpRoutes", "tlsRoutes"] as const).flatMap((list) =>
    config[list].map((route, index) => ({ list, index, route })),
  );
}

/** Their rules, with the way to each from the model. */
export function connectionRules(config: NativeConfig) {
  return connectionRoutes(config).flatMap(({ list, index, route }) =>
    route.rules.map((rule, ruleIndex) => ({ path: [list, index, "rules", ruleIndex] as Path, rule })),
  );
}

/** Whether requests end at the filter, before any backend. */
export function answersRequests(filter: Filter): boolean {
  return ["RequestRedirect", "DirectResponse", "Statistics"].includes(filter.type);
}

/** The rule's filters and those of its references, with the way to each from the rule. */
export function filtersOf(rule: NativeRule): { filter: Filter; steps: Path }[] {
  return [
    ...rule.filters.map((filter, index) => ({ filter, steps: ["filters", index] })),
    ...rule.backendRefs.flatMap((ref, refIndex) =>
      ref.filters.map((filter, index) => ({ filter, steps: ["backendRefs", refIndex, "filters", index] })),
    ),
  ];
}
