// Splits that separate nothing: two versions that lead to the same endpoint.
import { endpointId, parseAddress } from "../native/address.ts";
import type { NativeBackend } from "../native/schema.ts";
import type { Check } from "./check.ts";

/** A canary that shares a backend with the stable version changes nothing as it grows, and its failures are everyone's. */
export const canaryBackends: Check = (config, report) => {
  const backends = new Map(config.backends.map((backend) => [backend.name, new Set(endpointsOf(backend))]));
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, { backendRefs }] of route.rules.entries()) {
      if (backendRefs.length < 2) continue;
      const owners = new Map<string, string>();
      for (const [refIndex, { name, fallback }] of backendRefs.entries()) {
        if (fallback) continue;
        if (name === null) continue;
        const shared = [...(backends.get(name) ?? [])].find((endpoint) => owners.has(endpoint));
        for (const endpoint of backends.get(name) ?? [])
          if (!owners.has(endpoint)) owners.set(endpoint, name);
        if (shared === undefined) continue;
        const other = owners.get(shared)!;
        const what =
          other === name
            ? `backend ${JSON.stringify(name)} twice`
            : `${shared} by way of ${other} and ${name}`;
        report.add({
          code: "canary-shares-backend",
          path: ["routes", routeIndex, "rules", ruleIndex, "backendRefs", refIndex],
          message: `the rule splits its requests between versions, but leads to ${what}`,
          remedy: "Give each version endpoints of its own.",
        });
      }
    }
  }
};

/** An endpoint of another tunnel is another one, whatever its address. */
function endpointsOf({ tunnel = "", endpoints }: NativeBackend): string[] {
  return endpoints.map(({ address, port }) => {
    const id = endpointId(parseAddress(address)?.canonical ?? address, port);
    return tunnel === "" ? id : `${id} (tunnel ${tunnel})`;
  });
}
