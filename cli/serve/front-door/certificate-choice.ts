// Which certificate a TLS client gets for the server name it sends (SNI, RFC 6066 §3).
import { X509Certificate, createPrivateKey } from "node:crypto";
import { createSecureContext, type SecureContext, type SecureContextOptions } from "node:tls";
import type { KeyPair } from "./settings.ts";

interface Candidate {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

export interface CertificateChoice {
  /** Context for a server name; the first certificate's where none carries it. */
  contextFor(serverName: string): SecureContext;
}

/**
 * `shared` holds for every certificate: OpenSSL takes the context that SNI picked for all of the handshake, so the roots
 * of client certificates must be in each.
 * Throws an error that names the pair when a certificate or key is malformed, or they do not belong together.
 */
export function createCertificateChoice(
  pairs: readonly KeyPair[],
  shared: SecureContextOptions = {},
): CertificateChoice {
  const candidates = pairs.map((pair) => candidate(pair, shared));
  const first = candidates[0];
  if (!first) throw new RangeError("a TLS listener needs at least one certificate");
  return {
    contextFor(serverName) {
      const name = serverName.toLowerCase();
      const matches = candidates
        .map(({ certificate, context }) => ({ context, matched: certificate.checkHost(name)?.toLowerCase() }))
        .filter(({ matched }) => matched !== undefined);
      // A certificate for the very name comes before one with a wildcard.
      return (matches.find(({ matched }) => matched === name) ?? matches[0] ?? first).context;
    },
  };
}

/** Throws when the pair is not usable: called before any port opens, so that the message names the file. */
export function checkKeyPair({ certPem, keyPem }: KeyPair): X509Certificate {
  const certificate = new X509Certificate(certPem);
  if (!certificate.checkPrivateKey(createPrivateKey(keyPem)))
    throw new Error("the key does not belong to the certificate");
  return certificate;
}

function candidate(pair: KeyPair, shared: SecureContextOptions): Candidate {
  return {
    certificate: checkKeyPair(pair),
    context: createSecureContext({ ...shared, cert: pair.certPem, key: pair.keyPem }),
  };
}
