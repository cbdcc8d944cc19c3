// A security policy, compiled once per snapshot: what the stages admit, authenticate and authorize ask of it.
import type { ExtAuth } from "#contract/external-authorization.ts";
import type { SecurityPolicy } from "#contract/security-policy.ts";
import {
  type AuthorizationRequest,
  type AuthorizationVerdict,
  compileAuthorization,
} from "#traffic/access/authorization.ts";
import { compileClientNetworks } from "#traffic/access/client-networks.ts";
import { ownedNames } from "#traffic/access/upstream-identity.ts";
import { callBackend, type CallBackend } from "../stage/call-backend.ts";
import { compileApiKeyAuth } from "./api-key.ts";
import type { Authenticator } from "./authenticator.ts";
import { compileBasicAuth } from "./basic-auth.ts";
import { BoundedMap } from "./bounded-map.ts";
import { compileClientCertificate } from "./client-certificate-check.ts";
import { compileExternalAuthorization, type ExternalAuthorization } from "./external-authorization.ts";
import { compileJwt, requiringToken } from "./jwt.ts";
import { type KeyLocation, RemoteKeys } from "./remote-keys.ts";

/** Absent parts are not asked for. */
export interface AccessPolicy {
  readonly admitsClient?: (clientAddress: string) => boolean;
  readonly bodyBytes?: number;
  /** All of them must accept; the cheap ones first. */
  readonly authenticators: readonly Authenticator[];
  /** Accepts requests without a token. */
  readonly readToken?: Authenticator;
  /** Rules ask for names of certificates. */
  readonly readsCertificate: boolean;
  /** Headers that only the gateway says, see `ownedNames`. */
  readonly ownedHeaders: ReadonlySet<string>;
  readonly authorize?: (request: AuthorizationRequest) => AuthorizationVerdict;
  /** After everything else. */
  readonly askExternally?: ExternalAuthorization;
  /** Before anything is known but the client's address and certificate. */
  readonly askFirst?: ExternalAuthorization;
  /** Where an authenticator refuses. */
  readonly askInstead?: ExternalAuthorization;
}

export interface AccessInputs {
  readonly nowMs: () => number;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly callBackend: CallBackend;
  readonly remoteKeys: (source: KeyLocation) => RemoteKeys;
}

/** Throws an error when a part is malformed: a snapshot without its access control must not be served. */
export function compileAccessPolicy(
  policy: SecurityPolicy,
  inputs: AccessInputs = platformInputs,
): AccessPolicy {
  const {
    clientCIDRs,
    requestLimits,
    clientCertificate,
    apiKeyAuth,
    basicAuth,
    jwt,
    authorization,
    extAuth,
  } = policy;
  const authenticators: Authenticator[] = [];
  if (clientCertificate) authenticators.push(compileClientCertificate(clientCertificate));
  if (apiKeyAuth) authenticators.push(compileApiKeyAuth(apiKeyAuth));
  const readToken = jwt && compileJwt(jwt, inputs);
  if (readToken) authenticators.push(jwt.optional ? readToken : requiringToken(readToken));
  if (basicAuth) authenticators.push(compileBasicAuth(basicAuth, inputs.nowMs));
  const ask = extAuth && compileExternalAuthorization(extAuth, inputs.fetch, inputs.callBackend);
  return {
    authenticators,
    ...(readToken && { readToken }),
    readsCertificate: [authorization, ...(authorization?.and ?? []), extAuth].some((part) =>
      part?.rules?.some(({ principal }) => principal.principals ?? principal.notPrincipals),
    ),
    ownedHeaders: ownedNames([
      ...Object.values(clientCertificate?.headers ?? {}),
      apiKeyAuth?.forwardClientIDHeader,
      basicAuth?.forwardUsernameHeader,
      ...(jwt?.providers ?? []).flatMap(({ claimToHeaders, forwardPayloadHeader }) => [
        ...claimToHeaders.map(({ header }) => header),
        forwardPayloadHeader,
      ]),
      ...(extAuth?.http?.headersToBackend ?? []).filter((name) => !isCredential(name)),
    ]),
    ...(clientCIDRs && { admitsClient: compileClientNetworks(clientCIDRs) }),
    ...(requestLimits && { bodyBytes: requestLimits.bodyBytes }),
    ...(authorization && { authorize: compileAuthorization(authorization) }),
    ...(ask && { [placeOf(extAuth.order, authenticators.length > 0)]: ask }),
  };
}

function placeOf(order: ExtAuth["order"], hasOthers: boolean) {
  if (order === "First") return "askFirst";
  // Where nothing else could refuse, nobody would be asked.
  return order === "Instead" && hasOthers ? "askInstead" : "askExternally";
}

/** The client's own, which the authorization server may replace, but which say nothing in the gateway's name. */
function isCredential(name: string): boolean {
  return /^(?:authorization|cookie)$/i.test(name);
}

/** Compiles policies, each once however many rules share it. */
export function accessPolicies(): (policy: SecurityPolicy | undefined) => AccessPolicy | undefined {
  const compiled = new Map<SecurityPolicy, AccessPolicy>();
  return (policy) => {
    if (!policy) return undefined;
    const known = compiled.get(policy) ?? compileAccessPolicy(policy);
    compiled.set(policy, known);
    return known;
  };
}

/** Issuers whose keys an isolate keeps; they outlive a snapshot, so that a change of routes fetches nothing. */
const keysByUri = new BoundedMap<string, RemoteKeys>(256);

const platformInputs: AccessInputs = {
  nowMs: () => Date.now(),
  fetch: (url, init) => fetch(url, init),
  callBackend,
  remoteKeys: (source) => {
    const { uri, discovery = false, cacheDurationMs } = source;
    const name = `${cacheDurationMs} ${discovery} ${uri}`;
    const known = keysByUri.get(name);
    if (known) return known;
    const keys = new RemoteKeys({
      source,
      fetch: platformInputs.fetch,
      nowMs: platformInputs.nowMs,
      log: (event, fields) => console.warn(JSON.stringify({ event, ...fields })),
    });
    keysByUri.set(name, keys);
    return keys;
  },
};
