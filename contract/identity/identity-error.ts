// Why a peer's identity is refused: one error type with a closed list of codes, for the logs of both ends.

export const identityErrorCodes = [
  "certificate_missing",
  "certificate_malformed",
  "issuer_unknown",
  "expired",
  "not_yet_valid",
  "spiffe_id_invalid",
  "trust_domain_mismatch",
  "tunnel_mismatch",
  "revoked",
  "certificate_mismatch",
  "proof_invalid",
  "proof_replayed",
  "handshake_timeout",
] as const;

export type IdentityErrorCode = (typeof identityErrorCodes)[number];

/** A refusal. `message` names the reason in words and may be shown to the peer: it never holds a secret. */
export class IdentityError extends Error {
  override readonly name = "IdentityError";
  readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
  }
}
