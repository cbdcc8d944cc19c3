// Gateways → listeners of the model, and the entries at which VirtualServices attach.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { ListenerInput, ModelParts } from "../../kubernetes/model-parts.ts";
import { commonHosts, serverHosts } from "../host.ts";
import { gatewayKind, type Gateway, type Server } from "../kinds/gateway.ts";
import { approximated, at, ignored, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { Entry } from "./entry.ts";
import { createSecrets, translateServerTls, type Secrets } from "./server-tls.ts";

type Kind = "http" | "https" | "passthrough" | "terminate" | "tcp";

/** What is known of a port while servers of several Gateways are put together. */
interface Port {
  /** Labels of the workloads that listen, with their hosts and the Gateway that has them. */
  readonly workloads: {
    readonly labels: string;
    readonly hosts: readonly string[];
    readonly gateway: string;
  }[];
  /** Empty: every address. */
  readonly bind: string;
  /** Hosts of TLS servers, and whose they are. */
  readonly hosts: Map<string, string>;
}

interface Building {
  readonly parts: ModelParts;
  readonly ports: Map<number, Port>;
  readonly names: Set<string>;
  readonly secrets: Secrets;
  /** Ports at which clients speak HTTP/2 without TLS. */
  readonly http2Ports: ReadonlySet<number>;
}

export function translateGateways({ set, parts, notes }: ImportContext): Entry[] {
  const gateways = set.all(gatewayKind);
  const http2 = gateways.flatMap(({ body }) =>
    body.spec.servers.flatMap(({ port }) => (/^(?:HTTP2|GRPC)$/i.test(port.protocol) ? [port.number] : [])),
  );
  const building: Building = {
    http2Ports: new Set(http2),
    parts,
    ports: new Map(),
    names: new Set(),
    secrets: createSecrets(set),
  };
  return gateways.flatMap((gateway) =>
    gateway.body.spec.servers.flatMap((server, index) => {
      const place = { notes, object: gateway.object, path: ["spec", "servers", index] };
      return translateServer(gateway, server, place, building);
    }),
  );
}

function translateServer(gateway: Gateway, server: Server, place: Place, building: Building): Entry[] {
  const kind = kindOf(server, place);
  if (!kind || !claimsPort(gateway, server, kind, place, building)) return [];
  const { number } = server.port;
  const id = `${gateway.namespace}/${gateway.name}`;
  const listener = kind === "http" ? `istio/http-${number}` : ownName(id, server, building.names);
  // Plain HTTP of a port is one listener: the hosts of its servers stand at the routes.
  if (kind !== "http" || !building.names.has(listener)) {
    building.names.add(listener);
    building.parts.addListener(toListener(listener, kind, server, gateway, place, building), place);
  }
  if (server.defaultEndpoint !== undefined) ignored(at(place, "defaultEndpoint"), "it has no meaning");
  if (server.port.targetPort !== undefined)
    ignored(at(place, "port", "targetPort"), "it has no meaning: the listener's port is the number");
  return [
    {
      kind: kind === "http" || kind === "https" ? "http" : kind === "passthrough" ? "tls" : "tcp",
      listener,
      port: number,
      isTls: kind !== "http" && kind !== "tcp",
      gateway: id,
      namespace: gateway.namespace,
      labels: gateway.body.spec.selector,
      redirectsToHttps: kind === "http" && (server.tls?.httpsRedirect ?? false),
      origin: place,
      hosts: [...new Set(server.hosts.map(hostOf))],
      hostsFor: (namespace) => serverHosts(server.hosts, gateway.namespace, namespace),
    },
  ];
}

function kindOf(server: Server, place: Place): Kind | undefined {
  const protocol = server.port.protocol.toUpperCase();
  const { tls } = server;
  switch (protocol) {
    case "HTTP":
    case "HTTP2":
    case "GRPC":
    case "GRPC-WEB":
      return "http";
    case "HTTPS":
    case "TLS":
      if (!tls) {
        invalid(place, `a server of protocol ${protocol} needs tls`, "Write tls with a mode.");
        return undefined;
      }
      if (tls.mode === "AUTO_PASSTHROUGH") {
        unsupported(
          at(place, "tls", "mode"),
          "connections are not sent on by the name of a cluster in the SNI, which only Istio's sidecars send",
          "Write PASSTHROUGH, and a VirtualService with tls routes for the names that clients send.",
        );
        return undefined;
      }
      if ((tls.mode ?? "PASSTHROUGH") === "PASSTHROUGH") return "passthrough";
      return protocol === "HTTPS" ? "https" : "terminate";
    case "TCP":
    case "MONGO":
    case "MYSQL":
    case "REDIS":
      return tls?.mode && tls.mode !== "PASSTHROUGH" ? "terminate" : "tcp";
    default:
      unsupported(at(place, "port", "protocol"), `the protocol ${protocol} is not served`);
      return undefined;
  }
}

/** Of TLS servers with one host the first stays (`MergeGateways`). */
function claimsPort(
  gateway: Gateway,
  server: Server,
  kind: Kind,
  place: Place,
  { ports }: Building,
): boolean {
  const { namespace, name } = gateway;
  const { number } = server.port;
  const bind = server.bind ?? "";
  const port: Port = ports.get(number) ?? { workloads: [], bind, hosts: new Map() };
  ports.set(number, port);
  if (!sharesPort(gateway, server, kind, place, port)) return false;
  if (port.bind !== bind) {
    const message = `port ${number} is already bound to ${port.bind || "every address"}, and routes of one address would be reached at another`;
    unsupported(at(place, "bind"), message, "Give each address a port of its own.");
    return false;
  }
  port.workloads.push({
    labels: labelsOf(gateway),
    hosts: server.hosts.map(hostOf),
    gateway: `${namespace}/${name}`,
  });
  if (kind === "http" || kind === "tcp") return true;
  const owner = server.hosts.map((host) => port.hosts.get(hostOf(host))).find((found) => found !== undefined);
  if (owner !== undefined) {
    ignored(
      at(place, "hosts"),
      `${owner} already has one of these hosts on port ${number}: Istio skips this server`,
    );
    return false;
  }
  for (const host of server.hosts) port.hosts.set(hostOf(host), `${namespace}/${name}`);
  return true;
}

/**
 * In a cluster every workload has an address of its own; a port of this machine is theirs together. Which of them a request
 * is for is told by its host, and by nothing else.
 */
function sharesPort(
  gateway: Gateway,
  server: Server,
  kind: Kind,
  place: Place,
  { workloads }: Port,
): boolean {
  const { number } = server.port;
  const hosts = server.hosts.map(hostOf);
  const field = at(place, "port", "number");
  const others = workloads.filter((other) => other.labels !== labelsOf(gateway));
  const rival = others.find((other) => kind === "tcp" || commonHosts(other.hosts, hosts).length > 0);
  if (rival) {
    const message = `port ${number} is already that of ${rival.gateway} for other workloads; requests for one would reach the other's routes`;
    unsupported(field, message, "Give one of them a port of its own, or both hosts of their own.");
    return false;
  }
  if (others.length > 0) {
    const message = `port ${number} is that of ${others[0]!.gateway} for other workloads, too: whoever reaches one of them reaches the hosts of both`;
    approximated(field, message, "Give what not everyone may reach a port of its own.");
  }
  return true;
}

function labelsOf({ body }: Gateway): string {
  return JSON.stringify(Object.entries(body.spec.selector).sort());
}

function hostOf(entry: string): string {
  return entry.slice(entry.indexOf("/") + 1).toLowerCase();
}

function ownName(id: string, { port, name }: Server, names: ReadonlySet<string>): string {
  const label = (port.name ?? name ?? "")
    .replace(/[^A-Za-z0-9._-]/g, "-")
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  const wanted = `istio/${id}/${label === "" ? port.number : label}`;
  return names.has(wanted) ? `${wanted}/${port.number}-${names.size}` : wanted;
}

function toListener(
  name: string,
  kind: Kind,
  server: Server,
  gateway: Gateway,
  place: Place,
  building: Building,
): ListenerInput {
  const hosts = [...new Set(server.hosts.map(hostOf))];
  const isOpen = kind === "http" || kind === "tcp" || hosts.includes("*");
  const protocols = {
    http: "HTTP",
    https: "HTTPS",
    passthrough: "TLS",
    terminate: "TLS",
    tcp: "TCP",
  } as const;
  const address = bindAddress(server, place);
  const terminates = kind === "https" || kind === "terminate";
  return {
    name,
    protocol: protocols[kind],
    port: server.port.number,
    ...(address !== undefined && { addresses: [address] }),
    ...(!isOpen && { hostnames: hosts }),
    ...(kind === "http" && building.http2Ports.has(server.port.number) && { http2: true }),
    ...(kind === "passthrough" && { tls: { mode: "Passthrough" as const } }),
    ...(terminates && {
      tls: translateServerTls(server.tls!, gateway.namespace, building.secrets, at(place, "tls")),
    }),
  };
}

function bindAddress({ bind }: Server, place: Place): string | undefined {
  if (bind === undefined || bind === "" || bind === "0.0.0.0" || bind === "::") return undefined;
  if (/^[0-9a-fA-F.:]+$/.test(bind)) return bind;
  unsupported(
    at(place, "bind"),
    "a listener has an IP address",
    "Leave bind out, or write an address of the machine.",
  );
  return undefined;
}
