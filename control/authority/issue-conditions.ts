// When a certificate is issued to an agent, and the refusals where it is not.
import { Refusal } from "../refusal.ts";
import { sameHash } from "../token/secret-token.ts";
import { findCertificate, findJoinToken } from "./authority-tables.ts";

const joinRemedy = { remedy: "Ask for a new join token: isthmus token join --tunnel NAME" };

/** Throws {@link Refusal} `join_token_invalid`, `join_token_expired` or `join_token_wrong_tunnel`. */
export function requireJoinToken(sql: SqlStorage, id: string, hash: Uint8Array, tunnel: string): void {
  const row = findJoinToken(sql, id);
  if (!row || !sameHash(row.hash, hash)) {
    throw new Refusal("join_token_invalid", "The join token is unknown or was already used.", joinRemedy);
  }
  if (row.expiresAtMs <= Date.now()) {
    throw new Refusal(
      "join_token_expired",
      `The join token expired at ${isoTime(row.expiresAtMs)}.`,
      joinRemedy,
    );
  }
  if (row.tunnel !== tunnel) {
    throw new Refusal(
      "join_token_wrong_tunnel",
      `The join token is not for the tunnel ${tunnel}.`,
      joinRemedy,
    );
  }
}

/** Throws {@link Refusal} `certificate_unknown`, `certificate_revoked` or `certificate_expired`. */
export function requireRenewable(sql: SqlStorage, serial: string, spiffeId: string): void {
  const found = findCertificate(sql, serial);
  if (!found || found.spiffeId !== spiffeId || spiffeId === "") {
    throw new Refusal("certificate_unknown", "This authority did not issue the certificate.", joinRemedy);
  }
  if (found.revokedAtMs !== undefined) {
    throw new Refusal("certificate_revoked", `The certificate ${serial} is revoked.`, joinRemedy);
  }
  if (found.notAfterMs < Date.now()) {
    throw new Refusal("certificate_expired", `The certificate ${serial} has expired.`, joinRemedy);
  }
}

export function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
