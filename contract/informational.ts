// Informational answers (RFC 9110 §15.2) have a way of their own, past workerd, which carries none: from a hub straight to
// the front door that the client is connected to (decision 0021). POST /TOKEN on the door's socket with a head as JSON,
// `{ status, fields }`; answered 204 once the client gets it before all that follows, 404 where nobody waits for it any more.

/** Which request it is for. */
export interface InformationalTarget {
  /** Name of the front door's socket. */
  readonly door: string;
  /** Known to our own programs alone. */
  readonly token: string;
}

/** As it travels in the connection's facts (`request.cf`) and in a header to the hub. */
export function informationalTargetText({ door, token }: InformationalTarget): string {
  return `${door}/${token}`;
}

/** Undefined for anything that could lead elsewhere than to a front door. */
export function informationalTarget(text: string): InformationalTarget | undefined {
  const [, door, token] = /^([a-z0-9-]{1,64})\/([a-z0-9-]{1,64})$/.exec(text) ?? [];
  return door === undefined || token === undefined ? undefined : { door, token };
}
