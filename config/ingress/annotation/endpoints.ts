// What endpoints speak, and with which certificates: `backend-protocol` and the proxy-ssl annotations.
import { formatDuration } from "../../duration-text.ts";
import { secretText } from "../../kubernetes/certificates.ts";
import type { Secret } from "../../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { BackendPolicies } from "../backends.ts";
import type { Ingress } from "../kinds.ts";
import { findSecret } from "./access.ts";
import type { Annotations } from "./annotations.ts";
import { secondsOf } from "./proxying.ts";

export type Protocol = NonNullable<BackendPolicies["protocol"]>;
type Tls = NonNullable<BackendPolicies["tls"]>;

export interface EndpointSettings {
  /** `scheme`: that of the request. */
  readonly protocol: Protocol | "scheme";
  /** Where the protocol has TLS. */
  readonly tls: Tls;
  /** TLS is this Ingress's own, so that its backends are. */
  readonly ownTls: boolean;
  /** Absent: nothing is said. */
  readonly connectTimeout: string | undefined;
}

const protocols: Readonly<Record<string, EndpointSettings["protocol"]>> = {
  HTTP: "HTTP",
  HTTPS: "HTTPS",
  AUTO_HTTP: "scheme",
  GRPC: "GRPC",
  GRPCS: "GRPCS",
};

const tlsProtocols: ReadonlySet<string> = new Set(["HTTPS", "GRPCS", "scheme"]);

export function readEndpoints(
  ingress: Ingress,
  annotations: Annotations,
  set: ResourceSet,
): EndpointSettings {
  const protocol = readProtocol(annotations);
  const connectTimeout = readConnectTimeout(annotations);
  const plain = { protocol, tls: {}, ownTls: false, connectTimeout };
  if (!tlsProtocols.has(protocol)) return plain;
  if (annotations.text("proxy-ssl-secret") === undefined) {
    // ingress-nginx reads none of the others without it, and nginx verifies nobody unless it is told to.
    noteWithoutSecret(annotations);
    noteUnverified(annotations);
    return { ...plain, tls: { insecureSkipVerify: true } };
  }
  const secret = findSecret("proxy-ssl-secret", ingress, annotations, set);
  return { ...plain, ownTls: true, tls: secret ? tlsOf(secret, annotations) : {} };
}

function readProtocol(annotations: Annotations): EndpointSettings["protocol"] {
  const text = annotations.text("backend-protocol");
  const name = text?.toUpperCase() ?? "HTTP";
  if (Object.hasOwn(protocols, name)) return protocols[name]!;
  if (name === "FCGI") {
    annotations.unsupported("backend-protocol", "endpoints that speak FastCGI cannot be reached");
  } else annotations.invalid("backend-protocol", "HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI");
  return "HTTP";
}

/** The Secret has the authorities, and a certificate to show if it has one. */
function tlsOf(secret: Secret, annotations: Annotations): Tls {
  const certificate = secretText(secret, "tls.crt");
  const privateKey = secretText(secret, "tls.key");
  const hostname = annotations.text("proxy-ssl-name");
  return {
    ...(hostname !== undefined && { hostname }),
    ...verificationOf(secret, annotations),
    ...(certificate?.includes("-----BEGIN CERTIFICATE-----") &&
      privateKey !== undefined && {
        clientCertificate: { certificate, ...(privateKey !== "" && { privateKey }) },
      }),
  };
}

function verificationOf(
  secret: Secret,
  annotations: Annotations,
): Pick<Tls, "caCertificates" | "insecureSkipVerify"> {
  if ((annotations.word("proxy-ssl-verify", ["on", "off"]) ?? "off") === "off") {
    noteUnverified(annotations);
    return { insecureSkipVerify: true };
  }
  const caCertificates = secretText(secret, "ca.crt");
  if (!caCertificates?.includes("-----BEGIN CERTIFICATE-----")) {
    annotations.missing("proxy-ssl-secret", "the Secret has no authorities in ca.crt to verify endpoints by");
    return {};
  }
  if (annotations.text("proxy-ssl-name") === undefined) {
    annotations.approximated(
      "proxy-ssl-verify",
      "certificates must be for the endpoint's address; nginx asks for the name of its own upstream",
      "Say with proxy-ssl-name what they are for.",
    );
  }
  if (annotations.word("proxy-ssl-server-name", ["on", "off"]) === "off") {
    annotations.ignored("proxy-ssl-server-name", "endpoints are always told the name that is asked for");
  }
  if ((annotations.integer("proxy-ssl-verify-depth") ?? 1) !== 1) {
    annotations.ignored("proxy-ssl-verify-depth", "chains of certificates may be as long as they are");
  }
  return { caCertificates };
}

function noteUnverified(annotations: Annotations): void {
  const name = ["proxy-ssl-verify", "proxy-ssl-secret"].find((one) => annotations.text(one) !== undefined);
  annotations.unverified(
    name ?? "backend-protocol",
    "certificates of the endpoints are not verified, as nginx does not: whoever is in between can read and write",
    "Set proxy-ssl-secret with the authorities in ca.crt, proxy-ssl-verify and proxy-ssl-name.",
  );
}

function noteWithoutSecret(annotations: Annotations): void {
  for (const name of [
    "proxy-ssl-name",
    "proxy-ssl-server-name",
    "proxy-ssl-verify",
    "proxy-ssl-verify-depth",
  ]) {
    if (annotations.text(name) === undefined) continue;
    annotations.ignored(name, "without proxy-ssl-secret it has no effect, in ingress-nginx neither");
  }
}

function readConnectTimeout(annotations: Annotations): string | undefined {
  const seconds = secondsOf("proxy-connect-timeout", annotations);
  return seconds ? formatDuration(seconds * 1_000) : undefined;
}
