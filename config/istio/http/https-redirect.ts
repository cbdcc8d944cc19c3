// `tls.httpsRedirect`: all requests for some hosts of a listener are sent to HTTPS, whatever routes say.
import { fieldOf } from "../../kubernetes/notes.ts";
import type { ModelParts } from "../../kubernetes/model-parts.ts";
import type { Entry } from "../listen/entry.ts";
import { httpsRedirect } from "./redirect.ts";

export interface Redirects {
  add(entry: Entry, hosts: readonly string[]): void;
  /** Hosts whose requests are not redirected at the listener. */
  others(listener: string, hosts: readonly string[]): string[];
  addRoutes(parts: ModelParts): void;
}

export function createRedirects(): Redirects {
  const owners = new Map<string, Map<string, Entry>>();
  return {
    add: (entry, hosts) => {
      const own = owners.get(entry.listener) ?? new Map<string, Entry>();
      owners.set(entry.listener, own);
      for (const host of hosts) if (!own.has(host)) own.set(host, entry);
    },
    others: (listener, hosts) => hosts.filter((host) => !owners.get(listener)?.has(host)),
    addRoutes: (parts) => {
      for (const [listener, own] of owners) {
        // A route for every host ranks behind those for some: it stands alone.
        const groups = Map.groupBy(
          own,
          ([host, { origin }]) =>
            `${host === "*"} ${origin.object.namespace}/${origin.object.name}/${origin.path.at(-1)}`,
        );
        for (const group of groups.values()) {
          const entry = group[0]![1];
          const hosts = group.map(([host]) => host);
          const isEvery = hosts.includes("*");
          parts.addRoute(
            {
              name: `istio/${entry.gateway}/https-redirect-${entry.origin.path.at(-1)}${isEvery ? "/every" : ""}`,
              listeners: [listener],
              ...(!isEvery && { hostnames: hosts }),
              rules: [{ filters: [httpsRedirect] }],
            },
            fieldOf(entry.origin.object, ...entry.origin.path),
          );
        }
      }
    },
  };
}
