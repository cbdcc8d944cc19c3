// JSON Web Tokens (RFC 7519, RFC 8725) verified by `jose` against the providers of a policy, one of which must accept.
import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import type { JwtProvider, SecurityPolicy } from "#contract/security-policy.ts";
import { jwtAlgorithms } from "#contract/security-policy.ts";
import { claimText, claimValues } from "#traffic/access/claims.ts";
import { credentialPlaces, findCredential, type CredentialPlace } from "#traffic/access/credential-place.ts";
import { isHeaderText, type UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import type { Lifetime } from "../exchange.ts";
import type { Authenticator } from "./authenticator.ts";
import { BoundedMap } from "./bounded-map.ts";
import { createKeySet, type KeySet } from "./key-set.ts";
import { unauthorized } from "./refusal.ts";
import type { KeyLocation, RemoteKeys } from "./remote-keys.ts";

export interface JwtInputs {
  readonly nowMs: () => number;
  /** Keys are kept by where they come from, whichever policies and snapshots use them. */
  readonly remoteKeys: (source: KeyLocation) => RemoteKeys;
}

const challenge = 'Bearer realm="isthmus"';
const maxTokenChars = 16 * 1024;
const defaultPlaces: CredentialPlace[] = [{ type: "header", name: "authorization", valuePrefix: "Bearer " }];

/** Accepts requests without a token. Throws an error for local keys that are no key set. */
export function compileJwt(policy: NonNullable<SecurityPolicy["jwt"]>, inputs: JwtInputs): Authenticator {
  const providers = policy.providers.map((provider) => ({
    provider,
    places: provider.extractFrom ? credentialPlaces(provider.extractFrom) : defaultPlaces,
    verify: compileVerifier(provider, inputs),
  }));
  return async (exchange, upstream) => {
    let refusal: string | undefined;
    for (const { provider, places, verify } of providers) {
      const found = findCredential(places, exchange);
      if (!found) continue;
      const result = await verify(found.value, exchange.lifetime);
      if (typeof result === "string") {
        refusal ??= result;
        continue;
      }
      tellClaims(provider, result, upstream);
      // RFC 7515 §3.1: the second part is the payload.
      const payload = found.value.split(".")[1]!;
      if (provider.forwardPayloadHeader) upstream.set(provider.forwardPayloadHeader, payload);
      if (!provider.forwardOriginalToken) upstream.take(found.place);
      return { token: { provider: provider.name, claims: withLists(provider, result) } };
    }
    if (refusal !== undefined) throw invalidToken(refusal);
    return {};
  };
}

export function requiringToken(authenticate: Authenticator): Authenticator {
  return async (exchange, upstream) => {
    const identity = await authenticate(exchange, upstream);
    // RFC 6750 §3.1: without credentials no error code.
    if (!identity.token) throw unauthorized(challenge, "no token");
    return identity;
  };
}

/** RFC 6750 §3. The reasons are texts of this file: nothing of the token is repeated. */
function invalidToken(reason: string): Error {
  return unauthorized(
    `${challenge}, error="invalid_token", error_description="${reason}"`,
    `token refused: ${reason}`,
  );
}

function tellClaims({ claimToHeaders }: JwtProvider, claims: JWTPayload, upstream: UpstreamIdentity): void {
  for (const { header, claim } of claimToHeaders) {
    const text = claimText(claims, claim);
    if (text !== undefined && isHeaderText(text)) upstream.set(header, text);
  }
}

function withLists({ spaceDelimitedClaims = [] }: JwtProvider, claims: JWTPayload): JWTPayload {
  const lists = spaceDelimitedClaims.flatMap((name) => {
    const value = Object.hasOwn(claims, name) ? claims[name] : undefined;
    return typeof value === "string" && value.includes(" ") ? [[name, value.split(" ")] as const] : [];
  });
  return lists.length === 0 ? claims : { ...claims, ...Object.fromEntries(lists) };
}

/** The token's payload, or why it is refused. Rejects with `auth_unavailable` when there are no keys. */
type Verifier = (token: string, lifetime: Lifetime) => Promise<JWTPayload | string>;

/** Tokens that were verified a moment ago, as Envoy's `jwt_cache_config`: a signature costs 100 µs and more. */
const rememberedTokens = 500;
const rememberedTokenChars = 4_096;
const rememberMs = 60_000;

interface RememberedToken {
  readonly payload: JWTPayload;
  readonly keys: KeySet;
  readonly untilMs: number;
}

function compileVerifier(provider: JwtProvider, inputs: JwtInputs): Verifier {
  const remembered = new BoundedMap<string, RememberedToken>(rememberedTokens);
  const source = keySource(provider, inputs);
  return async (token, lifetime) => {
    const unfit = unfitReason(token, provider);
    if (unfit !== undefined) return unfit;
    const keys = await source.current(lifetime);
    const known = remembered.get(token);
    const nowMs = inputs.nowMs();
    // Keys that were fetched anew may have lost the one that signed.
    if (known && known.keys === keys && nowMs < known.untilMs) return known.payload;
    let used = keys;
    let result = await verify(token, keys, provider, nowMs);
    if (result === unknownKey) {
      used = await source.renewed(lifetime);
      if (used !== keys) result = await verify(token, used, provider, nowMs);
    }
    if (typeof result !== "string" && token.length <= rememberedTokenChars) {
      const expiresMs = (result.exp ?? Infinity) * 1_000 + provider.clockSkewMs;
      const untilMs = Math.min(expiresMs, nowMs + rememberMs);
      remembered.set(token, { payload: result, keys: used, untilMs });
    }
    return result;
  };
}

interface KeySource {
  current(lifetime: Lifetime): Promise<KeySet>;
  renewed(lifetime: Lifetime): Promise<KeySet>;
}

function keySource({ remoteJWKS, localJWKS }: JwtProvider, { remoteKeys }: JwtInputs): KeySource {
  if (remoteJWKS) return remoteKeys(remoteJWKS);
  const keys = Promise.resolve(createKeySet(localJWKS));
  return { current: () => keys, renewed: () => keys };
}

/** What can be seen without keys, so that a stranger's token causes no fetch. */
function unfitReason(token: string, { issuer }: JwtProvider): string | undefined {
  if (token.length > maxTokenChars) return "too long";
  try {
    const { iss } = decodeJwt(token);
    return issuer !== undefined && iss !== issuer ? "another issuer" : undefined;
  } catch {
    return "malformed";
  }
}

const unknownKey = "unknown key";
/** Keys without `kid` that are tried for one token. */
const maxCandidates = 4;

async function verify(
  token: string,
  keys: KeySet,
  provider: JwtProvider,
  nowMs: number,
): Promise<JWTPayload | string> {
  const { issuer, audiences, clockSkewMs, requireExpiration } = provider;
  const options = {
    algorithms: [...(provider.algorithms ?? jwtAlgorithms)],
    ...(issuer !== undefined && { issuer }),
    ...(audiences.length > 0 && { audience: audiences }),
    clockTolerance: clockSkewMs / 1_000,
    currentDate: new Date(nowMs),
    requiredClaims: requireExpiration ? ["exp"] : [],
  };
  try {
    const { payload } = await jwtVerify(token, keys, options).catch(async (error: unknown) => {
      if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
      let last: unknown = error;
      let tried = 0;
      for await (const key of error) {
        if ((tried += 1) > maxCandidates) break;
        try {
          return await jwtVerify(token, key, options);
        } catch (refusal) {
          last = refusal;
          if (!(refusal instanceof errors.JWSSignatureVerificationFailed)) break;
        }
      }
      throw last;
    });
    return missingClaim(payload, provider) ?? payload;
  } catch (error) {
    return refusalReason(error);
  }
}

function missingClaim(payload: JWTPayload, { requiredClaims }: JwtProvider): string | undefined {
  for (const { name, values } of requiredClaims) {
    const found = claimValues(payload, name);
    const fits = values.length === 0 ? found.length > 0 : found.some((value) => values.includes(value));
    if (!fits) return "a required claim is missing";
  }
  return undefined;
}

function refusalReason(error: unknown): string {
  if (error instanceof errors.JWTExpired) return "expired";
  if (error instanceof errors.JWTClaimValidationFailed) {
    return claimReasons[error.claim] ?? "a claim is not valid";
  }
  if (error instanceof errors.JWKSNoMatchingKey) return unknownKey;
  if (error instanceof errors.JOSEAlgNotAllowed) return "algorithm not allowed";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "wrong signature";
  // A key that does not fit the algorithm, a header that is none: whatever else went wrong, the token is not verified.
  return "malformed";
}

const claimReasons: Readonly<Record<string, string>> = {
  aud: "another audience",
  exp: "no valid expiration",
  iss: "another issuer",
  nbf: "not valid yet",
};
