// What endpoints speak, and with which certificates: `backend-protocol` and the proxy-ssl annotations.
import type { BackendPolicies } from "../backends.ts";
import type { Annotations } from "./annotations.ts";

export type Protocol = NonNullable<BackendPolicies["protocol"]>;
/** `scheme`: that of the request. */
export type EndpointProtocol = Protocol | "scheme";

const protocols: Readonly<Record<string, EndpointProtocol>> = {
  HTTP: "HTTP",
  HTTPS: "HTTPS",
  AUTO_HTTP: "scheme",
  GRPC: "GRPC",
  GRPCS: "GRPCS",
};

const tlsProtocols: ReadonlySet<EndpointProtocol> = new Set(["HTTPS", "GRPCS", "scheme"]);

export function readProtocol(annotations: Annotations): EndpointProtocol {
  const text = annotations.text("backend-protocol");
  const name = text?.toUpperCase() ?? "HTTP";
  const protocol = Object.hasOwn(protocols, name) ? protocols[name]! : undefined;
  if (protocol === undefined) {
    if (name === "FCGI") {
      annotations.unsupported("backend-protocol", "endpoints that speak FastCGI cannot be reached");
    } else annotations.invalid("backend-protocol", "HTTP, HTTPS, AUTO_HTTP, GRPC, GRPCS or FCGI");
  }
  readTls(annotations, protocol !== undefined && tlsProtocols.has(protocol));
  return protocol ?? "HTTP";
}

function readTls(annotations: Annotations, speaksTls: boolean): void {
  if (annotations.text("proxy-ssl-secret") !== undefined) {
    annotations.unsupported(
      "proxy-ssl-secret",
      "endpoints are shown no certificate, and theirs are checked against the system's authorities only",
    );
  }
  if (!speaksTls) return;
  if ((annotations.text("proxy-ssl-verify") ?? "off") === "off") {
    annotations.approximated(
      annotations.text("proxy-ssl-verify") === undefined ? "backend-protocol" : "proxy-ssl-verify",
      "certificates of endpoints are always checked against the system's authorities",
      "Give the endpoints certificates of an authority that the machine trusts.",
    );
  }
  for (const name of ["proxy-ssl-name", "proxy-ssl-server-name"]) {
    if (annotations.text(name) === undefined) continue;
    annotations.ignored(name, "the name in TLS is the Host that the endpoint gets (`upstream-vhost`)");
  }
}
