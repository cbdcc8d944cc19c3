// Rule stage: who asks. Every way of authentication that the policy has must accept the request, or else, where the policy
// says so, another server.
import { GatewayError } from "#contract/error.ts";
import { withoutParam } from "#traffic/access/credential-place.ts";
import type { Identity } from "#traffic/access/identity.ts";
import { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import type { ExternalAuthorization } from "../access/external-authorization.ts";
import { certificateName } from "../access/client-certificate.ts";
import type { Exchange } from "../exchange.ts";
import type { Handler, RuleScope, Stage } from "./stage.ts";

/** After `admit`. */
export const authenticate: Stage<RuleScope> = ({ access }, next) => {
  if (!access) return next;
  const { authenticators, readsCertificate, ownedHeaders, askInstead } = access;
  if (authenticators.length === 0 && !readsCertificate && ownedHeaders.size === 0) return next;
  return async (exchange) => {
    const upstream = exchange.upstreamIdentity ?? new UpstreamIdentity(ownedHeaders);
    exchange.upstreamIdentity = upstream;
    let identity: Identity = {};
    if (readsCertificate) {
      const certificate = certificateName(exchange.request.cf);
      if (certificate !== undefined) identity = { certificate };
    }
    try {
      for (const authenticator of authenticators) {
        identity = { ...identity, ...(await authenticator(exchange, upstream)) };
      }
    } catch (error) {
      const isRefused = error instanceof GatewayError && error.code === "unauthorized";
      if (!askInstead || !isRefused) throw error;
      exchange.identity = identity;
      return answerInstead(askInstead, exchange, next, error);
    }
    exchange.identity = identity;
    for (const name of upstream.takenParams) exchange.query = withoutParam(exchange.query, name);
    return next(exchange);
  };
};

/** Where the server refuses, too, the client is told how else it could have passed; but it may be sent to sign in. */
async function answerInstead(
  ask: ExternalAuthorization,
  exchange: Exchange,
  next: Handler,
  refusal: GatewayError,
): Promise<Response> {
  let passed = false;
  const response = await ask(exchange, (allowed) => {
    passed = true;
    return next(allowed);
  });
  if (passed || (response.status !== 401 && response.status !== 403)) return response;
  throw refusal;
}
