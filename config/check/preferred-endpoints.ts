// Endpoints that backendRefs prefer: those of their backend.
import { endpointId, parseAddress } from "../native/address.ts";
import type { Check } from "./check.ts";

export const preferredEndpoints: Check = (config, report) => {
  const idsOf = new Map(
    config.backends.map(({ name, endpoints }) => [name, new Set(endpoints.map(idOf))] as const),
  );
  for (const [routeIndex, { rules }] of config.routes.entries()) {
    for (const [ruleIndex, { backendRefs }] of rules.entries()) {
      for (const [index, { name, preferredEndpoint }] of backendRefs.entries()) {
        // A backend that is not there is reported elsewhere.
        const ids = idsOf.get(name ?? "");
        if (!preferredEndpoint || !ids || ids.has(idOf(preferredEndpoint))) continue;
        report.add({
          code: "reference-unknown",
          path: ["routes", routeIndex, "rules", ruleIndex, "backendRefs", index, "preferredEndpoint"],
          message: `backend ${JSON.stringify(name)} has no endpoint ${idOf(preferredEndpoint)}`,
          remedy: "Name one of its endpoints, or remove preferredEndpoint.",
        });
      }
    }
  }
};

function idOf({ address, port }: { readonly address: string; readonly port: number }): string {
  return endpointId(parseAddress(address)?.canonical ?? address, port);
}
