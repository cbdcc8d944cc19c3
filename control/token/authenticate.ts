// Who calls the admin API: the bootstrap token of the environment, or a stored token. Everything else is refused.
import { type Role, roleSchema } from "#contract/admin.ts";
import { Refusal } from "../refusal.ts";
import type { TokenRow } from "../store/token-table.ts";
import { sameHash, secretHash, secretTokenId } from "./secret-token.ts";

export interface Caller {
  /** For the audit log and as the author of versions. */
  readonly name: string;
  readonly role: Role;
}

/** Shorter bootstrap tokens could be guessed over the network; they count as absent. */
const minAdminTokenChars = 16;

/** Throws {@link Refusal} `unauthenticated`. `findToken` looks a stored token up by its id. */
export async function authenticate(
  authorization: string | undefined,
  adminToken: string | undefined,
  findToken: (id: string) => Promise<TokenRow | undefined>,
  nowMs: number,
): Promise<Caller> {
  const presented = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? "")?.[1];
  if (presented === undefined) throw unauthenticated("A bearer token is required.");
  // workerd binds null for an environment variable that is not set.
  const bootstrap = adminToken ?? "";
  if (bootstrap.length >= minAdminTokenChars) {
    if (sameHash(await secretHash(presented), await secretHash(bootstrap)))
      return { name: "bootstrap-admin", role: "admin" };
  }
  const { name, role } = await authenticateToken(presented, findToken, nowMs);
  return { name, role };
}

/** Throws {@link Refusal} `unauthenticated` for anything but a stored token. */
export async function authenticateToken(
  presented: string,
  findToken: (id: string) => Promise<TokenRow | undefined>,
  nowMs: number,
): Promise<TokenRow> {
  const id = secretTokenId("istk", presented);
  const row = id === undefined ? undefined : await findToken(id);
  if (!row || !sameHash(await secretHash(presented), row.hash)) throw unauthenticated(notValid);
  return requireNotExpired(row, nowMs);
}

/** `row`: absent for a token that there is not, or no more. Throws {@link Refusal} `unauthenticated`. */
export function requireNotExpired(row: TokenRow | undefined, nowMs: number): TokenRow {
  if (!row) throw unauthenticated(notValid);
  if (row.expiresAtMs !== undefined && row.expiresAtMs <= nowMs) {
    throw unauthenticated("The bearer token has expired.");
  }
  return row;
}

const notValid = "The bearer token is not valid.";

/**
 * `Basic` with a token as the password becomes `Bearer`, whatever the user's name: browsers and exporters can send that.
 * For reading only: a browser sends it along with requests that another site made it send. Anything else stays as it is.
 */
export function bearerOfBasic(authorization: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return authorization;
  try {
    const pair = atob(encoded);
    return `Bearer ${pair.slice(pair.indexOf(":") + 1)}`;
  } catch {
    return undefined;
  }
}

/** A role may do what the ones before it may. Throws {@link Refusal} `forbidden`. */
export function requireRole(caller: Caller, role: Role): void {
  const order = roleSchema.options;
  if (order.indexOf(caller.role) < order.indexOf(role)) {
    throw new Refusal(
      "forbidden",
      `This needs the role ${role}; the token ${caller.name} has ${caller.role}.`,
    );
  }
}

function unauthenticated(message: string): Refusal {
  return new Refusal("unauthenticated", message, {
    remedy:
      "Send the header `authorization: Bearer TOKEN`; an admin makes tokens with `isthmus token create`.",
  });
}
