// Who the client's certificate says it is. The handshake has verified it; here it is only read.
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import type { ClientCertificateFacts } from "#traffic/access/distinguished-name.ts";
import { isHeaderText } from "#traffic/access/upstream-identity.ts";
import type { HeaderFields } from "#traffic/forwarding/header-fields.ts";
import { BoundedMap } from "./bounded-map.ts";

/** Cloudflare's `request.cf.tlsClientAuth`, which the front door of `isthmus serve` writes, too. */
interface TlsClientAuth {
  readonly certVerified?: unknown;
  readonly certRFC9440?: unknown;
  readonly certChainRFC9440?: unknown;
  readonly certSubjectDNRFC2253?: unknown;
  readonly certIssuerDNRFC2253?: unknown;
}

/** What a client has shown, verified or not. */
export interface ShownCertificate extends ClientCertificateFacts {
  /** In DER, as base64. Empty without a certificate. */
  readonly certificate: string;
}

/** Without TLS, or where nobody was asked for one, there is none. */
export function clientCertificateOf(cf: unknown): ShownCertificate {
  const auth = (cf as { tlsClientAuth?: TlsClientAuth } | undefined)?.tlsClientAuth;
  const { certVerified: verification, certRFC9440: field } = auth ?? {};
  if (!isText(verification) || verification === "NONE" || !isText(field)) {
    return { verification: "NONE", certificate: "", subject: "", issuer: "" };
  }
  const { certSubjectDNRFC2253: subject, certIssuerDNRFC2253: issuer } = auth ?? {};
  return {
    verification,
    certificate: field.replaceAll(":", ""),
    subject: isText(subject) && isHeaderText(subject) ? subject : "",
    issuer: isText(issuer) && isHeaderText(issuer) ? issuer : "",
  };
}

/** Clients keep their certificate for many requests, and parsing one costs more than routing. */
const names = new BoundedMap<string, string>(1_000);

/** The SPIFFE id; or the first URI or DNS name. `undefined`: no certificate, or none that was verified. */
export function certificateName(cf: unknown): string | undefined {
  const auth = (cf as { tlsClientAuth?: TlsClientAuth } | undefined)?.tlsClientAuth;
  if (auth?.certVerified !== "SUCCESS" || typeof auth.certRFC9440 !== "string") return undefined;
  const field = auth.certRFC9440;
  const known = names.get(field);
  if (known !== undefined) return known;
  const name = readName(field);
  if (name !== undefined) names.set(field, name);
  return name;
}

/**
 * Writes `Client-Cert` and, where the platform tells it, `Client-Cert-Chain` (RFC 9440) from the verified certificate. What
 * a client or a proxy sends under these names is dropped (§2.4).
 */
export function forwardCertificate(headers: HeaderFields, cf: unknown): void {
  headers.delete("client-cert");
  headers.delete("client-cert-chain");
  const auth = (cf as { tlsClientAuth?: TlsClientAuth } | undefined)?.tlsClientAuth;
  if (auth?.certVerified !== "SUCCESS" || !isText(auth.certRFC9440)) return;
  headers.set("client-cert", auth.certRFC9440);
  if (isText(auth.certChainRFC9440)) headers.set("client-cert-chain", auth.certChainRFC9440);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** RFC 9440 §2.1: `:base64 of DER:`. */
function readName(field: string): string | undefined {
  const encoded = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(field)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const { uris, dnsNames } = parseCertificate(
      Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0)),
    );
    const spiffeIds = uris.filter((uri) => uri.startsWith("spiffe://"));
    // X509-SVID §2: a certificate with two SPIFFE ids is nobody's.
    if (spiffeIds.length > 1) return undefined;
    return spiffeIds[0] ?? uris[0] ?? dnsNames[0];
  } catch {
    return undefined;
  }
}
