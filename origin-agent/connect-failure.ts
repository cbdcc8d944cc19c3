// Why there is no connection to an endpoint, in the words of the tunnel: whoever reads the gateway's log must be able to tell
// an endpoint that is down from one whose certificate has run out.
import type { ResetCode } from "#contract/tunnel/code.ts";
import { AgentError, systemCode } from "./agent-error.ts";

/** Verdicts of OpenSSL (`X509_V_ERR_…`) and Node on the endpoint's certificate. */
const certificateFailures: Readonly<Record<string, ResetCode>> = {
  ERR_TLS_CERT_ALTNAME_INVALID: "certificate_mismatch",
  HOSTNAME_MISMATCH: "certificate_mismatch",
  CERT_HAS_EXPIRED: "certificate_expired",
  CERT_NOT_YET_VALID: "certificate_expired",
  UNABLE_TO_GET_ISSUER_CERT: "certificate_untrusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "certificate_untrusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "certificate_untrusted",
  SELF_SIGNED_CERT_IN_CHAIN: "certificate_untrusted",
  DEPTH_ZERO_SELF_SIGNED_CERT: "certificate_untrusted",
  CERT_SIGNATURE_FAILURE: "certificate_untrusted",
  CERT_CHAIN_TOO_LONG: "certificate_untrusted",
  CERT_REJECTED: "certificate_untrusted",
  CERT_UNTRUSTED: "certificate_untrusted",
  INVALID_CA: "certificate_untrusted",
  INVALID_PURPOSE: "certificate_untrusted",
  PATH_LENGTH_EXCEEDED: "certificate_untrusted",
};

/** Of an error before the connection was ready for bytes; null: it went without a word. */
export function connectFailure(error: Error | null | undefined): ResetCode {
  if (error instanceof AgentError && error.code === "dial_refused") return "endpoint_not_allowed";
  const code = systemCode(error) ?? "";
  const verdict = certificateFailures[code];
  if (verdict) return verdict;
  // What is no TLS at all, no version or cipher in common, an alert of the endpoint's.
  return code === "EPROTO" || code.startsWith("ERR_SSL_") ? "tls_failed" : "connect_failed";
}
