// The transport's check of an agent: what TLS found out about its client certificate.
// Only `request.cf` counts. Cloudflare's edge writes it, or the front door of `isthmus serve` by way of `cfBlobHeader`,
// which no client can send; request headers, whatever their names, are never read here.
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { IdentityError } from "#contract/identity/identity-error.ts";
import { decodeBase64 } from "#contract/identity/pem.ts";
import { parseAgentSpiffeId } from "#contract/identity/spiffe-id.ts";
import { z } from "zod";

/** Of Cloudflare's `tlsClientAuth` the part that is used. */
const tlsClientAuthSchema = z.object({
  /** `SUCCESS`, `NONE`, or `FAILED:reason`. */
  certVerified: z.string(),
  /** RFC 9440 §2.1: `:base64 of DER:`. */
  certRFC9440: z.string().max(32_768).optional(),
});

/** The verified client certificate in DER. Throws `IdentityError`. */
export function transportCertificate(cf: unknown, tunnel: string): Uint8Array {
  const facts = z.object({ tlsClientAuth: tlsClientAuthSchema }).safeParse(cf);
  const auth = facts.success ? facts.data.tlsClientAuth : { certVerified: "NONE" };
  if (auth.certVerified !== "SUCCESS") throw refused(auth.certVerified);
  const encoded = /^:([A-Za-z0-9+/]+=*):$/.exec(auth.certRFC9440 ?? "")?.[1];
  if (encoded === undefined)
    throw new IdentityError("certificate_missing", "the transport has no certificate");
  const der = decodeBase64(encoded);
  requireTunnel(der, tunnel);
  return der;
}

/** Before an object of that name exists: strangers with some certificate cannot make hubs of their own. */
function requireTunnel(der: Uint8Array, tunnel: string): void {
  const [uri, ...more] = parseCertificate(der).uris;
  if (uri === undefined || more.length > 0) {
    throw new IdentityError("spiffe_id_invalid", "the certificate has not exactly one URI name");
  }
  const identity = parseAgentSpiffeId(uri);
  if (identity.tunnel !== tunnel) {
    throw new IdentityError(
      "tunnel_mismatch",
      `the certificate is for tunnel "${identity.tunnel}", not for "${tunnel}"`,
    );
  }
}

function refused(verdict: string): IdentityError {
  // Cloudflare writes words, OpenSSL names such as CERT_NOT_YET_VALID.
  const reason = verdict
    .replace(/^FAILED:?/, "")
    .replaceAll("_", " ")
    .slice(0, 128);
  if (verdict === "NONE") {
    return new IdentityError("certificate_missing", "no client certificate on the TLS connection");
  }
  if (/revoked/i.test(reason))
    return new IdentityError("revoked", `the client certificate is revoked: ${reason}`);
  if (/expired/i.test(reason))
    return new IdentityError("expired", `the client certificate has expired: ${reason}`);
  if (/not yet valid/i.test(reason)) {
    return new IdentityError("not_yet_valid", `the client certificate is not valid yet: ${reason}`);
  }
  return new IdentityError("issuer_unknown", `TLS did not verify the client certificate: ${reason}`);
}
