// The two ports of ingress-nginx, 80 and 443, and the certificates of the latter.
import { parseAddress } from "../native/address.ts";
import type { ClientCertificates } from "./annotation/client-certificates.ts";
import { certificateOf } from "../kubernetes/certificates.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { ListenerInput } from "../kubernetes/model-parts.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import { readClientAddress } from "./controller/client-address.ts";
import type { Controller } from "./controller/controller.ts";
import { readListenerHeaders } from "./controller/listener-headers.ts";
import type { Ingress } from "./kinds.ts";
import type { PassedHost } from "./passthrough.ts";
import type { Server, Source } from "./server.ts";

export const httpListener = "ingress/http";
const httpsListener = "ingress/https";

type Certificate = NonNullable<NonNullable<ListenerInput["tls"]>["certificates"]>[number];

export interface Listeners {
  /** Names of the listeners that requests over HTTPS for a host come in at; none where HTTPS is not served. */
  httpsOf(host: string): readonly string[];
  /** What every listener has. */
  readonly common: Pick<ListenerInput, "addresses" | "proxyProtocol">;
}

/**
 * HTTPS is served as soon as one Ingress has a TLS section; then every host answers there, as with ingress-nginx. Hosts
 * whose clients have to show certificates have listeners of their own. Those whose TLS passes through are not among them, but
 * for their aliases.
 */
export function addListeners(
  sources: readonly Source[],
  servers: readonly Server[],
  passed: readonly PassedHost[],
  controller: Controller,
  context: ImportContext,
): Listeners {
  const [first] = sources;
  if (!first) return { httpsOf: () => [], common: {} };
  const origin = fieldOf(first.ingress.object, "spec");
  const headers = readListenerHeaders(controller, context.set, context.notes);
  const addresses = addressesOf(controller);
  const common = {
    ...(addresses.length > 0 && { addresses }),
    ...readClientAddress(controller, context.parts),
  };
  context.parts.addListener(
    { name: httpListener, protocol: "HTTP", port: 80, headers: headers.http, ...common },
    origin,
  );
  checkTlsVersions(controller);
  const passedHosts = new Set(passed.map(({ server }) => server.host));
  const namesOf = ({ host, aliases }: Server): string[] =>
    passedHosts.has(host) ? aliases : [host, ...aliases];
  const elsewhere = new Set(servers.filter((server) => namesOf(server).length === 0).map(({ host }) => host));
  const ending = sources.filter(({ ingress }) => !isElsewhere(ingress, elsewhere));
  const secure = ending.find(({ ingress }) => (ingress.body.spec.tls ?? []).length > 0);
  if (!secure) return { httpsOf: () => [], common };
  const certificates = certificatesOf(ending, context);
  const groups = groupServers(
    servers.filter(({ host }) => !elsewhere.has(host)),
    namesOf,
  );
  const names = new Map<string, string[]>([...elsewhere].map((host) => [host, []]));
  for (const { name, clients, served, hostnames } of groups) {
    for (const { host } of served) names.set(host, [...(names.get(host) ?? []), name]);
    context.parts.addListener(
      {
        name,
        protocol: "HTTPS",
        port: 443,
        ...(hostnames && { hostnames }),
        headers: headers.https,
        ...common,
        tls: { certificates, ...(clients && { frontendValidation: clients }) },
      },
      fieldOf(secure.ingress.object, "spec", "tls"),
    );
  }
  return { httpsOf: (host) => names.get(host) ?? [httpsListener], common };
}

/** Whether TLS of all its hosts passes through, so that it asks for none that ends here. */
function isElsewhere({ body }: Ingress, elsewhere: ReadonlySet<string>): boolean {
  const rules = body.spec.rules ?? [];
  return rules.length > 0 && rules.every(({ host }) => elsewhere.has((host ?? "").toLowerCase()));
}

export function addressesOf({ settings }: Controller): string[] {
  return settings.list("bind-address").filter((text) => {
    if (parseAddress(text)?.kind === "ip") return true;
    settings.invalid("bind-address", "IP addresses, separated by commas");
    return false;
  });
}

/** The runtime speaks TLS 1.2 and 1.3: older versions are not missed, but that one of these is to be refused is no wish to ignore. */
function checkTlsVersions({ settings }: Controller): void {
  const words = settings.text("ssl-protocols")?.split(/\s+/);
  if (!words) return;
  const missing = ["TLSv1.2", "TLSv1.3"].filter((version) => !words.includes(version));
  if (missing.length > 0) {
    settings.unsupported("ssl-protocols", `listeners speak ${missing.join(" and ")}, too`);
  } else if (words.length > 2) {
    settings.ignored("ssl-protocols", "versions before TLS 1.2 are not spoken");
  }
}

interface Group {
  readonly name: string;
  readonly clients: Validation;
  readonly served: readonly Server[];
  /** Absent: every host that no other group has. */
  readonly hostnames?: string[];
}

/**
 * Where all servers ask for the same, one listener is enough. Otherwise the first is for hosts that nobody asks anything
 * of, or for what the server of every host asks.
 */
function groupServers(servers: readonly Server[], hostsOf: NamesOf): Group[] {
  const byClients = Map.groupBy(servers, (server) => JSON.stringify(validationOf(server)));
  if (byClients.size < 2) {
    return [{ name: httpsListener, clients: servers[0] && validationOf(servers[0]), served: servers }];
  }
  const catchAll = servers.find(({ host }) => host === "");
  const general = catchAll && validationOf(catchAll);
  const apart = servers.filter((server) => !isSame(validationOf(server), general));
  // A host beside a wildcard that is apart would else be the wildcard's.
  const wildcards = new Set(apart.flatMap(hostsOf).filter((host) => host.startsWith("*.")));
  const isCovered = (host: string): boolean =>
    wildcards.size > 0 && labelsAbove(host).some((above) => wildcards.has(above));
  const beside = servers.filter(
    (server) => isSame(validationOf(server), general) && hostsOf(server).some(isCovered),
  );
  const own = [
    ...Map.groupBy([...apart, ...beside], (server) => JSON.stringify(validationOf(server))).values(),
  ];
  return [
    {
      name: httpsListener,
      clients: general,
      served: servers.filter((one) => !apart.includes(one) && !beside.includes(one)),
    },
    ...own.flatMap((members) => splitGroup(members, hostsOf)),
  ];
}

/** A listener has so many hosts at most. */
function splitGroup(members: readonly Server[], hostsOf: NamesOf): Group[] {
  const hosts = members.flatMap((server) => hostsOf(server).map((host) => ({ host, server })));
  const groups: Group[] = [];
  for (let start = 0; start < hosts.length; start += maxHostnames) {
    const part = hosts.slice(start, start + maxHostnames);
    groups.push({
      name: `${httpsListener}/${part[0]!.host.replace("*", "_")}`,
      clients: validationOf(members[0]!),
      served: [...new Set(part.map(({ server }) => server))],
      hostnames: part.map(({ host }) => host),
    });
  }
  return groups;
}

const maxHostnames = 64;

/** Names by which requests over HTTPS ask for a server. */
type NamesOf = (server: Server) => string[];

/** `*.b.c` and `*.c` of `a.b.c`. */
function labelsAbove(host: string): string[] {
  const labels = host.split(".");
  return labels.slice(1).map((_, index) => `*.${labels.slice(index + 1).join(".")}`);
}

type Validation = ClientCertificates["validation"] | undefined;

/** What the rules ask beyond it, their listener need not know. */
function validationOf({ clientCertificates }: Server): Validation {
  return clientCertificates?.validation;
}

function isSame(one: Validation, other: Validation): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Each Secret once. One that cannot be used leaves its hosts to the default certificate, the first. */
function certificatesOf(sources: readonly Source[], { set, notes }: ImportContext): Certificate[] {
  const found = new Map<string, Certificate>();
  for (const { ingress } of sources) {
    for (const [index, { secretName }] of (ingress.body.spec.tls ?? []).entries()) {
      const key = `${ingress.namespace}/${secretName}`;
      if (!secretName || found.has(key)) continue;
      const certificate = certificateOf(set, ingress.namespace, secretName);
      if (typeof certificate !== "string") {
        const { privateKey = "" } = certificate;
        found.set(key, { certificate: certificate.certificate, privateKey });
        continue;
      }
      const field: ObjectField = fieldOf(ingress.object, "spec", "tls", index, "secretName");
      const problem =
        certificate === "secret-unknown" ? "there is no Secret" : "no certificate and key in the Secret";
      notes.add(field, {
        code: "certificate-unresolved",
        message: `${problem} ${JSON.stringify(key)}: its hosts get the default certificate`,
      });
    }
  }
  return [...found.values()];
}
