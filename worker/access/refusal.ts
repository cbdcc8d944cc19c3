// The answers of authentication that fails: 401 with the challenge of its scheme (RFC 9110 §11.6.1).
import { GatewayError } from "#contract/error.ts";

/** `detail` is for the log; neither it nor the challenge ever holds a credential. */
export function unauthorized(challenge: string, detail: string): GatewayError {
  return new GatewayError("unauthorized", detail, { answer: { headers: { "www-authenticate": challenge } } });
}
