// Hosts with their paths, merged from all Ingresses the way ingress-nginx merges them: of one host, path and path type the
// oldest Ingress has the say, and each host has a location for all other paths.
import type { Canary } from "./annotation/canary.ts";
import type { ClientCertificates } from "./annotation/client-certificates.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import { isRewritten } from "./annotation/rewrite.ts";
import type { Ingress, IngressBackend, IngressPath } from "./kinds.ts";
import type { Settings } from "./settings.ts";

/** An Ingress with what its annotations say. */
export interface Source {
  readonly ingress: Ingress;
  readonly settings: Settings;
}

export type ServiceRef = NonNullable<IngressBackend["service"]>;

/** A Service of a canary, for the requests that are the canary's. */
export interface CanaryTarget extends Source {
  readonly canary: Canary;
  readonly service: ServiceRef;
}

export interface Location extends Source {
  readonly path: string;
  /** ImplementationSpecific is Prefix to ingress-nginx. */
  readonly pathType: "Exact" | "Prefix";
  /** Absent: nothing is there, which is answered 404. */
  readonly service: ServiceRef | undefined;
  readonly origin: ObjectField;
  /** For all paths that no Ingress names; one that names `/` replaces it. */
  readonly isDefault: boolean;
  canary?: CanaryTarget;
}

export interface Server {
  /** Lower case; empty: every host that has no server. */
  readonly host: string;
  readonly locations: Location[];
  /** Further names of the host. */
  readonly aliases: string[];
  /** Ingresses with rules for the host, the oldest first. */
  readonly sources: Source[];
  /** Namespaces of those with a TLS section. */
  readonly tlsNamespaces: Set<string>;
  /** What its clients have to show over HTTPS: as the oldest Ingress says that asks for anything. */
  clientCertificates: ClientCertificates | undefined;
  /** The oldest Ingress that has a `server-snippet`: ingress-nginx takes one a host. */
  snippetSource: Source | undefined;
}

/** Sources in order of age, without canaries. */
export function mergeServers(sources: readonly Source[], notes: Notes): Server[] {
  const servers = new Map<string, Server>();
  const catchAll = sources.find(({ ingress }) => defaultService(ingress) && rulesOf(ingress).length === 0);
  if (catchAll) {
    const origin = fieldOf(catchAll.ingress.object, "spec", "defaultBackend");
    const location = defaultLocation(catchAll, defaultService(catchAll.ingress), origin);
    servers.set("", serverOf("", location));
  }
  for (const source of sources) {
    const { ingress } = source;
    for (const [index, { host }] of rulesOf(ingress).entries()) {
      const name = (host ?? "").toLowerCase();
      let server = servers.get(name);
      if (!server) {
        // To ingress-nginx the paths that no rule names have the settings of the Ingress that made the host; those of every
        // host are nobody's.
        const origin = fieldOf(ingress.object, "spec", "rules", index);
        server = serverOf(
          name,
          ...(name === "" ? [] : [defaultLocation(source, defaultService(ingress), origin)]),
        );
        servers.set(name, server);
      }
      if (!server.sources.includes(source)) server.sources.push(source);
      if (name !== "" && (ingress.body.spec.tls ?? []).length > 0)
        server.tlsNamespaces.add(ingress.namespace);
      addPaths(server, source, index, notes);
    }
  }
  inheritTls(servers);
  addAliases(servers);
  for (const server of servers.values()) {
    noteLaterSettings(server);
    const speakers = speakersOf(server);
    server.clientCertificates = speakers.find(({ settings }) => settings.clientCertificates)?.settings
      .clientCertificates;
    server.snippetSource = speakers.find(
      ({ settings }) => settings.annotations.text("server-snippet") !== undefined,
    );
  }
  return [...servers.values()];
}

function serverOf(host: string, ...locations: Location[]): Server {
  return {
    host,
    aliases: [],
    locations,
    sources: [],
    tlsNamespaces: new Set(),
    clientCertificates: undefined,
    snippetSource: undefined,
  };
}

function rulesOf({ body }: Ingress) {
  return body.spec.rules ?? [];
}

function defaultService({ body }: Ingress): ServiceRef | undefined {
  return body.spec.defaultBackend?.service;
}

function defaultLocation(source: Source, service: ServiceRef | undefined, origin: ObjectField): Location {
  return { ...source, path: "/", pathType: "Prefix", service, origin, isDefault: true };
}

function addPaths(server: Server, source: Source, ruleIndex: number, notes: Notes): void {
  const { object } = source.ingress;
  for (const [index, path] of (rulesOf(source.ingress)[ruleIndex]?.http?.paths ?? []).entries()) {
    const origin = fieldOf(object, "spec", "rules", ruleIndex, "http", "paths", index);
    const { service } = path.backend;
    if (!service) continue;
    const location = locationOf(path, source, service, origin);
    const taken = server.locations.findIndex(
      (other) => other.path === location.path && other.pathType === location.pathType,
    );
    if (taken < 0) server.locations.push(location);
    else if (server.locations[taken]!.isDefault) server.locations[taken] = location;
    else noteTaken(server, server.locations[taken]!, location, notes);
  }
}

function locationOf(path: IngressPath, source: Source, service: ServiceRef, origin: ObjectField): Location {
  return {
    ...source,
    path: path.path === undefined || path.path === "" ? "/" : path.path,
    pathType: path.pathType === "Exact" ? "Exact" : "Prefix",
    service,
    origin,
    isDefault: false,
  };
}

function noteTaken(server: Server, first: Location, second: Location, notes: Notes): void {
  const host = server.host === "" ? "every host" : server.host;
  const by =
    first.ingress === second.ingress
      ? "an earlier path of this Ingress"
      : `the older Ingress ${JSON.stringify(qualifiedName(first.ingress))}`;
  notes.add(second.origin, {
    code: "path-taken",
    message: `${second.pathType} ${JSON.stringify(second.path)} of ${host} already goes where ${by} says`,
    remedy: "Remove one of them: this one gets no requests.",
  });
}

/**
 * Whose word counts for a whole host: Ingresses of the namespace that had it first. In ingress-nginx those of all namespaces
 * have a say, so that one could lock out the clients of another, or send them elsewhere.
 */
export function speaksFor({ sources }: Server, { namespace }: Ingress): boolean {
  return sources[0] === undefined || sources[0].ingress.namespace === namespace;
}

function speakersOf(server: Server): Source[] {
  return server.sources.filter(({ ingress }) => speaksFor(server, ingress));
}

/** Of what is said of a whole host ingress-nginx takes the oldest Ingress's word. */
function noteLaterSettings(server: Server): void {
  const { sources } = server;
  const host = server.host || "every host";
  for (const name of ["server-snippet", "server-alias", "auth-tls-secret", "app-root"] as const) {
    const asking = sources.filter(({ settings }) => settings.annotations.text(name) !== undefined);
    const first = asking.find(({ ingress }) => speaksFor(server, ingress));
    for (const source of asking) {
      const { annotations } = source.settings;
      if (!speaksFor(server, source.ingress)) noteForeign(name, host, sources[0]!, annotations);
      else if (source !== first) {
        const by = JSON.stringify(qualifiedName(first!.ingress));
        annotations.ignored(name, `${host} has that of the older Ingress ${by}`);
      }
    }
  }
}

export function noteForeign(
  name: string,
  host: string,
  { ingress }: Source,
  { ignored, unsupported }: Source["settings"]["annotations"],
): void {
  const owner = JSON.stringify(qualifiedName(ingress));
  const message = `${host} is the namespace's that has the older Ingress ${owner}; others do not decide for all of it`;
  // Without certificates everyone could pass.
  const note = name === "auth-tls-secret" ? unsupported : ignored;
  note(name, message, "Give the Ingress a host of its own.");
}

/** Of the oldest Ingress that names any; a host of its own goes before an alias. */
function addAliases(servers: ReadonlyMap<string, Server>): void {
  const taken = new Set(servers.keys());
  for (const server of servers.values()) {
    const named = speakersOf(server).find(({ settings }) => settings.aliases.length > 0);
    if (server.host === "" || !named) continue;
    for (const alias of named.settings.aliases) {
      if (taken.has(alias)) {
        named.settings.annotations.ignored("server-alias", `${alias} is a host of its own already`);
      } else server.aliases.push(alias);
      taken.add(alias);
    }
  }
}

/** A host without certificate of its own is covered by that of the wildcard above it, if its namespace has that one, too. */
function inheritTls(servers: ReadonlyMap<string, Server>): void {
  for (const server of servers.values()) {
    const above = servers.get(server.host.replace(/^[^.]+\./, "*."));
    const owner = server.sources[0]?.ingress;
    if (owner && above && above !== server && above.tlsNamespaces.has(owner.namespace))
      server.tlsNamespaces.add(owner.namespace);
  }
}

/** To the Ingress's paths the host has a certificate: its own namespace says so, or the one that had the host first. */
export function hasTls({ tlsNamespaces, sources }: Server, { namespace }: Ingress): boolean {
  const owner = sources[0]?.ingress.namespace;
  return tlsNamespaces.has(namespace) || (owner !== undefined && tlsNamespaces.has(owner));
}

/** One annotation of one Ingress makes regular expressions of all paths of the host. */
export function usesRegex({ locations }: Server): boolean {
  return locations.some(
    ({ path, settings }) => settings.rewrite.useRegex || isRewritten(settings.rewrite, path),
  );
}
