// Hostnames of a route that none of its listeners serves: requests for them never get to the route.
import { isLayer4 } from "#contract/snapshot.ts";
import type { NativeListener, NativeRoute } from "../native/schema.ts";
import type { Report } from "../report.ts";
import { hostnameIndex, type HostnameIndex } from "./hostname-index.ts";
import type { Check } from "./check.ts";

export const attachedRoutes: Check = (config, report) => {
  const requests = config.listeners.filter((listener) => !isLayer4(listener));
  checkRoutes("routes", config.routes, requests, report);
  const connections = config.listeners.filter(({ protocol }) => protocol === "TLS");
  checkRoutes("tlsRoutes", config.tlsRoutes, connections, report);
};

function checkRoutes(
  list: "routes" | "tlsRoutes",
  routes: readonly Pick<NativeRoute, "name" | "listeners" | "hostnames">[],
  served: readonly NativeListener[],
  report: Report,
): void {
  const listeners = new Map(served.map(({ name, hostnames }) => [name, hostnameIndex(hostnames)]));
  const all = [...listeners.values()];
  // Said once, by another check.
  if (all.length === 0) return;
  for (const [routeIndex, route] of routes.entries()) {
    const attached = route.listeners ? route.listeners.map((name) => listeners.get(name)) : all;
    // A dangling listener, or one of another protocol, is reported as such.
    if (attached.includes(undefined)) continue;
    const served = (hostname: string) =>
      (attached as HostnameIndex[]).some((index) => index.intersects(hostname));
    const unserved = [...route.hostnames.entries()].filter(([, hostname]) => !served(hostname));
    if (unserved.length === 0) continue;
    const names = (route.listeners ?? [...listeners.keys()]).map((name) => JSON.stringify(name)).join(", ");
    if (unserved.length === route.hostnames.length) {
      report.add({
        code: "route-unattached",
        path: [list, routeIndex, "hostnames"],
        message: `route ${JSON.stringify(route.name)} gets no traffic: none of its listeners (${names}) serves its hostnames`,
        remedy: "Add the hostnames to a listener, or name another listener.",
      });
      continue;
    }
    for (const [position, hostname] of unserved) {
      report.add({
        code: "hostname-unattached",
        path: [list, routeIndex, "hostnames", position],
        message: `${hostname} gets no traffic: none of the route's listeners (${names}) serves it`,
        remedy: "Add the hostname to a listener, or remove it here.",
      });
    }
  }
}
