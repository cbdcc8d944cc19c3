// Endpoints that backendRefs prefer: those of their backend.
import { placeId } from "../native/address.ts";
import { connectionRules } from "../rule.ts";
import type { Check } from "./check.ts";

export const preferredEndpoints: Check = (config, report) => {
  const idsOf = new Map(
    config.backends.map(({ name, endpoints }) => [name, new Set(endpoints.map(placeId))] as const),
  );
  const requestRules = config.routes.flatMap(({ rules }, routeIndex) =>
    rules.map((rule, ruleIndex) => ({ path: ["routes", routeIndex, "rules", ruleIndex], rule })),
  );
  for (const { path, rule } of [...requestRules, ...connectionRules(config)]) {
    for (const [index, { name, preferredEndpoint }] of rule.backendRefs.entries()) {
      // A backend that is not there is reported elsewhere.
      const ids = idsOf.get(name ?? "");
      if (!preferredEndpoint || !ids || ids.has(placeId(preferredEndpoint))) continue;
      report.add({
        code: "reference-unknown",
        path: [...path, "backendRefs", index, "preferredEndpoint"],
        message: `backend ${JSON.stringify(name)} has no endpoint ${placeId(preferredEndpoint)}`,
        remedy: "Name one of its endpoints, or remove preferredEndpoint.",
      });
    }
  }
};
