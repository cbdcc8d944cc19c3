// `from-to-www-redirect`: hosts with, or without, `www.` in front that only lead to another one.
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { withPriorities } from "../ordered-rules.ts";
import { blockedRules } from "./controller/blocked-clients.ts";
import { wwwFilter } from "./annotation/redirects.ts";
import { httpListener } from "./listeners.ts";
import type { RouteContext } from "./routes.ts";
import type { Server } from "./server.ts";

/** A host of an Ingress is never redirected, nor is one that another host has as an alias. */
export function addWwwRoutes(
  servers: readonly Server[],
  { parts, listeners, controller, blocked }: RouteContext,
): void {
  const taken = new Set(servers.flatMap(({ host, aliases }) => [host, ...aliases]));
  for (const { host, locations } of servers) {
    const wanting = locations.find(({ settings, isDefault }) => !isDefault && settings.redirects.fromToWww);
    if (!wanting || host === "" || host.startsWith("*.")) continue;
    const other = host.startsWith("www.") ? host.slice("www.".length) : `www.${host}`;
    if (taken.has(other)) {
      wanting.settings.annotations.ignored("from-to-www-redirect", `${other} is a host of its own`);
      continue;
    }
    taken.add(other);
    const { object } = wanting.ingress;
    parts.addRoute(
      {
        name: `ingress-www/${qualifiedName(wanting.ingress)}/${other}`,
        listeners: [httpListener, ...listeners.httpsOf(other)],
        hostnames: [other],
        rules: withPriorities(
          [...blockedRules(blocked), { filters: [wwwFilter(host, controller.redirectStatus)] }],
          false,
        ),
      },
      wanting.settings.annotations.field("from-to-www-redirect"),
      [
        ...blocked.map(() => fieldOf(object, "metadata", "annotations")),
        fieldOf(object, "metadata", "annotations"),
      ],
    );
  }
}
