// What a rule asks of the client's certificate. The handshake has verified it, and let the client in all the same.
import type { ClientCertificatePolicy } from "#contract/client-certificate-policy.ts";
import { GatewayError } from "#contract/error.ts";
import { decodeBase64, encodePem } from "#contract/identity/pem.ts";
import type { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import { compilePattern } from "#traffic/match/pattern/pattern.ts";
import type { Authenticator } from "./authenticator.ts";
import { clientCertificateOf, type ShownCertificate } from "./client-certificate.ts";

type HeaderNames = NonNullable<ClientCertificatePolicy["headers"]>;

/** Throws an error for a malformed pattern. */
export function compileClientCertificate(policy: ClientCertificatePolicy): Authenticator {
  const { mode, subject, redirect, headers } = policy;
  const pattern = subject === undefined ? undefined : compilePattern(subject);
  const answer = redirect === undefined ? {} : { answer: { status: 302, headers: { location: redirect } } };
  return async (exchange, upstream) => {
    const shown = clientCertificateOf(exchange.request.cf);
    const { verification } = shown;
    const isNone = verification === "NONE";
    if (mode === "AllowValidOnly" && isNone) {
      throw new GatewayError("client_certificate_missing", undefined, answer);
    }
    if (mode !== "AllowInsecureFallback" && !isNone && verification !== "SUCCESS") {
      throw new GatewayError("client_certificate_invalid", verification, answer);
    }
    if (pattern && !pattern.test(shown.subject)) {
      throw new GatewayError("forbidden", "the subject of the client's certificate");
    }
    if (headers) tellEndpoint(headers, shown, upstream);
    return {};
  };
}

function tellEndpoint(names: HeaderNames, shown: ShownCertificate, upstream: UpstreamIdentity): void {
  const values: [name: string | undefined, value: string][] = [
    [names.certificate, names.certificate === undefined ? "" : escapedPem(shown)],
    [names.verification, shown.verification],
    [names.subject, shown.subject],
    [names.issuer, shown.issuer],
  ];
  for (const [name, value] of values) {
    if (name !== undefined && value !== "") upstream.set(name, value);
  }
}

/** As nginx writes it (`$ssl_client_escaped_cert`). */
function escapedPem({ certificate }: ShownCertificate): string {
  return certificate === "" ? "" : encodeURIComponent(encodePem("CERTIFICATE", decodeBase64(certificate)));
}
