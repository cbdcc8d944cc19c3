// Who a request comes from, as far as credentials have proved it. Rate limits and authorization read it.

/** Payload of a verified token (RFC 7519 §4). */
export type Claims = Readonly<Record<string, unknown>>;

export interface VerifiedToken {
  /** Name of the provider in the policy. */
  readonly provider: string;
  readonly claims: Claims;
}

/** Each part is there only once it is verified. */
export interface Identity {
  /** SPIFFE id of the client's certificate, or its subject where it has none. */
  readonly certificate?: string;
  /** Name of basic authentication. */
  readonly user?: string;
  /** clientID of the API key. */
  readonly clientId?: string;
  readonly token?: VerifiedToken;
}

/** Istio's request principal: `<iss>/<sub>`; `undefined` unless the token has both. */
export function requestPrincipal({ token }: Identity): string | undefined {
  const { iss, sub } = token?.claims ?? {};
  return typeof iss === "string" && typeof sub === "string" ? `${iss}/${sub}` : undefined;
}
