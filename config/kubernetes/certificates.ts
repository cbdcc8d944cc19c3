// TLS Secrets → certificates of listeners.
import { secretKind, type Secret } from "./core-kinds.ts";
import type { ResourceSet } from "./resource-set.ts";

export interface InlineCertificate {
  /** PEM, leaf first. */
  readonly certificate: string;
  /** PEM. Absent where the Secret's key was taken out before the files were handed on. */
  readonly privateKey?: string;
}

export type CertificateProblem = "secret-unknown" | "secret-incomplete";

/** `kubernetes.io/tls` Secrets have `tls.crt` and `tls.key` (Kubernetes, Secrets, TLS Secrets). */
export function certificateOf(
  set: ResourceSet,
  namespace: string,
  name: string,
): InlineCertificate | CertificateProblem {
  const secret = set.get(secretKind, namespace, name);
  if (!secret) return "secret-unknown";
  const certificate = secretText(secret, "tls.crt");
  const privateKey = secretText(secret, "tls.key");
  if (!certificate?.includes("-----BEGIN CERTIFICATE-----") || privateKey === undefined)
    return "secret-incomplete";
  return { certificate, ...(privateKey !== "" && { privateKey }) };
}

/** A value of a Secret as text; `undefined`: it has none of that name, or one that is not base64 of UTF-8. */
export function secretText({ body }: Secret, key: string): string | undefined {
  const plain = body.stringData?.[key];
  if (plain !== undefined) return plain;
  const encoded = body.data?.[key];
  if (encoded === undefined) return undefined;
  try {
    const octets = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(octets);
  } catch {
    return undefined;
  }
}
