// `extensionProviders` of the mesh → external authorization: whom it asks, and what it is told.
import { endpointId } from "../../native/address.ts";
import type { Destinations } from "../backend/destinations.ts";
import type { Upstream, Upstreams } from "../backend/upstreams.ts";
import { nativeDuration } from "../go-duration.ts";
import { rootNamespace } from "../host.ts";
import type { RuleInput } from "../http/match.ts";
import type { GrpcProvider, HttpProvider } from "../kinds/mesh-config.ts";
import type { MeshConfig, PlacedProvider } from "../mesh-config.ts";
import { approximated, at, unsupported, type Place } from "../../kubernetes/field-notes.ts";

export type ExtAuth = NonNullable<NonNullable<RuleInput["securityPolicy"]>["extAuth"]>;

/** Istio's own, of which a server that hangs holds requests as long as there. */
const defaultTimeout = "10m";

/** Why nobody can be asked. */
export interface NoServer {
  readonly reason: string;
  readonly remedy: string;
}

export function extAuthOf(
  name: string | undefined,
  { providers }: MeshConfig,
  destinations: Destinations,
): ExtAuth | NoServer {
  if (!name) return { reason: "CUSTOM needs a provider", remedy: "Write provider.name." };
  const found = providers.get(name);
  const quoted = JSON.stringify(name);
  if (!found) {
    const known = [...providers.keys()].join(", ") || "none";
    return {
      reason: `extensionProviders of the mesh's configuration do not have ${quoted} (in the files: ${known})`,
      remedy: `Add the ConfigMap istio of ${rootNamespace}, or the IstioOperator, that defines it.`,
    };
  }
  const { envoyExtAuthzHttp, envoyExtAuthzGrpc } = found.provider;
  if (envoyExtAuthzHttp)
    return overHttp(envoyExtAuthzHttp, within(found, "envoyExtAuthzHttp"), destinations.upstreams);
  if (envoyExtAuthzGrpc) return overGrpc(envoyExtAuthzGrpc, within(found, "envoyExtAuthzGrpc"), destinations);
  const remedy = "Name one with envoyExtAuthzHttp or envoyExtAuthzGrpc.";
  return { reason: `the provider ${quoted} is none for authorization`, remedy };
}

function within({ place }: PlacedProvider, kind: string): Place {
  return place.path[0] === "data" ? place : at(place, kind);
}

/** The server is called as a destination of routes is reached, DestinationRules included. */
function overGrpc(provider: GrpcProvider, place: Place, destinations: Destinations): ExtAuth | NoServer {
  const server = serverOf(provider, destinations.upstreams);
  if ("reason" in server) return server;
  noteUnheard(provider, place);
  const { host, port, namespace } = server;
  const use = { isHttp: true, isCall: true, listenerPort: port, client: namespace };
  const { backend } = destinations.find({ host, port: { number: port } }, use, place);
  return { grpc: { backendRef: { name: backend } }, ...answerFields(provider) };
}

function answerFields({ timeout, failOpen, statusOnError }: GrpcProvider) {
  return {
    order: "First" as const,
    timeout: timeout === undefined ? defaultTimeout : nativeDuration(timeout),
    ...(statusOnError !== undefined && { statusOnError: Number(statusOnError) }),
    ...(failOpen && { failOpen: true }),
  };
}

function overHttp(provider: HttpProvider, place: Place, upstreams: Upstreams): ExtAuth | NoServer {
  const address = addressOf(provider, place, upstreams);
  if (typeof address !== "string") return address;
  noteUnseen(provider, place);
  const sent = provider.includeRequestHeadersInCheck ?? provider.includeHeadersInCheck ?? [];
  const told = (provider.headersToDownstreamOnAllow ?? []).filter((name) => !name.includes("*"));
  const added = Object.entries(provider.includeAdditionalHeadersInCheck ?? {});
  return {
    http: {
      url: address + (provider.pathPrefix ?? "").replace(/\/$/, ""),
      forwardPath: true,
      headersToBackend: (provider.headersToUpstreamOnAllow ?? []).filter((name) => !name.includes("*")),
      ...(told.length > 0 && { headersToClient: told, headersToClientOnError: true }),
      ...(added.length > 0 && { headersToAdd: added.map(([name, value]) => ({ name, value })) }),
    },
    headersToExtAuth: sent,
    ...answerFields(provider),
  };
}

interface Server {
  readonly upstream: Upstream;
  readonly host: string;
  readonly port: number;
  /** Empty: the mesh itself asks. */
  readonly namespace: string;
}

/** `host`, or `namespace/host`. */
function serverOf({ service, port: written }: GrpcProvider, upstreams: Upstreams): Server | NoServer {
  const [namespace, name] = service.includes("/")
    ? (service.split("/", 2) as [string, string])
    : ["", service];
  const [host, port] = [name.toLowerCase(), Number(written)];
  const upstream = upstreams.find(host, port, port, namespace);
  if (typeof upstream === "string")
    return { reason: `nobody can be asked: ${upstream}`, remedy: "Add its Service or ServiceEntry." };
  if (upstream.endpoints(undefined).length > 0) return { upstream, host, port, namespace };
  return { reason: `${host} has no endpoints`, remedy: "Add its EndpointSlices." };
}

function addressOf(provider: HttpProvider, place: Place, upstreams: Upstreams): string | NoServer {
  const server = serverOf(provider, upstreams);
  if ("reason" in server) return server;
  const { upstream, host } = server;
  if (upstream.tunnel !== undefined) {
    const reason = `${host} is reached through a tunnel, and authorization servers are asked directly`;
    return { reason, remedy: "Ask a server that the gateway can reach itself." };
  }
  const [first, ...others] = upstream.endpoints(undefined);
  if (others.length > 0)
    approximated(at(place, "service"), `of the endpoints of ${host} the first one alone is asked`);
  return `http://${endpointId(first!.address, first!.port)}`;
}

function noteUnheard(provider: GrpcProvider, place: Place): void {
  if (provider.includeRequestBodyInCheck) {
    const message = "the authorization server does not get the request's body";
    unsupported(at(place, "includeRequestBodyInCheck"), message, "Let it decide by the head of the request.");
  }
  if (provider.clearRouteCache)
    unsupported(at(place, "clearRouteCache"), "routes are not chosen by what the server answers");
}

function noteUnseen(provider: HttpProvider, place: Place): void {
  noteUnheard(provider, place);
  for (const field of ["headersToUpstreamOnAllow", "headersToDownstreamOnAllow"] as const) {
    const wild = provider[field]?.find((name) => name.includes("*"));
    if (wild === undefined) continue;
    const message = `${JSON.stringify(wild)} may stand for headers that clients could send, too`;
    unsupported(at(place, field), message, "Write the headers' names.");
  }
  if (provider.headersToDownstreamOnDeny?.length)
    approximated(
      at(place, "headersToDownstreamOnDeny"),
      "of an answer that refuses, clients get all headers",
    );
}
