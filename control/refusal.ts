// Every way in which the control worker says no: a closed list of codes, one table from code to status.
import type { AdminError } from "#contract/admin.ts";
import { IdentityError } from "#contract/identity/identity-error.ts";

const refusalTable = {
  request_invalid: 400,
  csr_invalid: 400,
  authority_invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  join_token_invalid: 403,
  join_token_expired: 403,
  join_token_wrong_tunnel: 403,
  certificate_unknown: 403,
  certificate_expired: 403,
  certificate_revoked: 403,
  forward_not_permitted: 403,
  not_found: 404,
  version_not_found: 404,
  token_not_found: 404,
  certificate_not_found: 404,
  root_not_found: 404,
  backend_not_found: 404,
  endpoint_not_found: 404,
  forward_unknown: 404,
  version_conflict: 409,
  rotation_pending: 409,
  root_in_use: 409,
  token_limit: 409,
  administration_limit: 409,
  body_too_large: 413,
  config_too_large: 413,
  media_type_unsupported: 415,
  config_invalid: 422,
  certificate_limit: 429,
  internal: 500,
  ca_key_secret_missing: 503,
  ca_key_secret_wrong: 503,
} as const;

export type RefusalCode = keyof typeof refusalTable;
export type RefusalStatus = (typeof refusalTable)[RefusalCode];
type RefusalBody = AdminError & { code: RefusalCode };

/** The one error type of this program. Whatever else is thrown is a bug and becomes `internal`. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly body: RefusalBody;

  constructor(code: RefusalCode, message: string, more: Omit<AdminError, "code" | "message"> = {}) {
    super(message);
    this.body = { code, message, ...more };
  }

  get status(): RefusalStatus {
    return refusalTable[this.body.code];
  }
}

/** A result that crosses RPC, where an error would lose everything but its message. */
export type Outcome<T> = { ok: true; value: T } | { ok: false; refusal: RefusalBody };

/** Runs an object's method; whatever it throws becomes a value. */
export async function outcomeOf<T>(work: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, refusal: refusalFor(error).body };
  }
}

/** The caller's half of {@link outcomeOf}. */
export async function valueOf<T>(pending: Promise<Outcome<T>>): Promise<T> {
  const outcome = await pending;
  if (outcome.ok) return outcome.value;
  const { code, message, ...more } = outcome.refusal;
  throw new Refusal(code, message, more);
}

/** What a caller is told about anything thrown: its refusal, or `internal`, whose cause goes to the log only. */
export function refusalFor(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof IdentityError) return new Refusal("csr_invalid", error.message);
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return new Refusal("internal", "The control worker failed; its log has the cause.");
}
