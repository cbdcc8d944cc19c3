// `ssl-passthrough`: hosts whose TLS on the port of HTTPS goes to the endpoints as it is, found by the server name.
import type { ImportContext } from "../kubernetes/importer.ts";
import type { ListenerInput } from "../kubernetes/model-parts.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { Backends } from "./backends.ts";
import { gatesOf } from "./routes.ts";
import {
  noteForeign,
  speaksFor,
  type Location,
  type Server,
  type ServiceRef,
  type Source,
} from "./server.ts";

/** A host with the location of `/`, whose Service gets the connections. */
export interface PassedHost {
  readonly server: Server;
  /** The oldest Ingress that asks for it. */
  readonly source: Source;
  readonly location: Location;
  readonly service: ServiceRef;
}

const listenerName = "ingress/tls";

/** A listener has so many hosts at most. */
const maxHostnames = 64;

/** What says who may ask: over TLS that passes, only endpoints can hold clients to it. */
const accessAnnotations = [
  "auth-tls-secret",
  "auth-type",
  "auth-url",
  "allowlist-source-range",
  "denylist-source-range",
  "whitelist-source-range",
] as const;

/** As for all that is said of a whole host, the namespace that had it first decides, and gets the connections. */
export function findPassedHosts(servers: readonly Server[]): PassedHost[] {
  return servers.flatMap((server) => {
    const asking = server.sources.filter(({ settings }) => settings.passesTls);
    const host = server.host || "every host";
    for (const { ingress, settings } of asking) {
      if (!speaksFor(server, ingress))
        noteForeign("ssl-passthrough", host, server.sources[0]!, settings.annotations);
    }
    const source = asking.find(({ ingress }) => speaksFor(server, ingress));
    if (!source) return [];
    const { annotations } = source.settings;
    if (server.host === "" || server.host.startsWith("*.")) {
      annotations.ignored(
        "ssl-passthrough",
        `TLS of ${host} ends here: it passes for hosts with a whole name`,
      );
      return [];
    }
    const location = server.locations.find(
      ({ path, service, ingress }) => path === "/" && service && speaksFor(server, ingress),
    );
    if (!location?.service) {
      const message = `TLS of ${host} ends here: no path "/" says which Service it is for`;
      annotations.ignored("ssl-passthrough", message);
      return [];
    }
    noteAccess(server);
    return [{ server, source, location, service: location.service }];
  });
}

function noteAccess(server: Server): void {
  for (const { settings } of server.sources) {
    for (const name of accessAnnotations) {
      if (settings.annotations.text(name) === undefined) continue;
      const message = `it holds for plain HTTP alone: TLS of ${server.host} passes through, as in ingress-nginx`;
      settings.annotations.ignored(name, message);
    }
  }
}

export function addPassedHosts(
  passed: readonly PassedHost[],
  common: Pick<ListenerInput, "addresses" | "proxyProtocol">,
  backends: Backends,
  { parts }: ImportContext,
): void {
  for (let start = 0; start < passed.length; start += maxHostnames) {
    const part = passed.slice(start, start + maxHostnames);
    const name = start === 0 ? listenerName : `${listenerName}/${part[0]!.server.host}`;
    parts.addListener(
      {
        name,
        protocol: "TLS",
        port: 443,
        hostnames: part.map(({ server }) => server.host),
        ...common,
        tls: { mode: "Passthrough" },
      },
      part[0]!.source.settings.annotations.field("ssl-passthrough"),
    );
    for (const { server, source, location, service } of part) {
      const backend = backends.nameOf(forConnections(location), service, "https", location.origin);
      parts.addTlsRoute(
        {
          name: `ingress/${qualifiedName(location.ingress)}/${server.host}`,
          listeners: [name],
          hostnames: [server.host],
          rules: [{ backendRefs: [{ name: backend }] }],
        },
        source.settings.annotations.field("ssl-passthrough"),
        gatesOf(location.ingress),
      );
    }
  }
}

/** TLS is the endpoints', whatever is said of requests to them. */
function forConnections({ ingress, settings }: Source): Source {
  const { connectTimeout } = settings.endpoints;
  const endpoints = { protocol: "TCP", tls: {}, ownTls: false, connectTimeout } as const;
  return { ingress, settings: { ...settings, endpoints, errorPages: { service: undefined, statuses: [] } } };
}
