// Rule stage: who asks. Every way of authentication that the policy has must accept the request.
import { withoutParam } from "#traffic/access/credential-place.ts";
import type { Identity } from "#traffic/access/identity.ts";
import { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import { certificateName } from "../access/client-certificate.ts";
import type { RuleScope, Stage } from "./stage.ts";

/** After `admit`. */
export const authenticate: Stage<RuleScope> = ({ access }, next) => {
  if (!access) return next;
  const { authenticators, readsCertificate, ownedHeaders } = access;
  if (authenticators.length === 0 && !readsCertificate && ownedHeaders.size === 0) return next;
  return async (exchange) => {
    const upstream = exchange.upstreamIdentity ?? new UpstreamIdentity(ownedHeaders);
    let identity: Identity = {};
    if (readsCertificate) {
      const certificate = certificateName(exchange.request.cf);
      if (certificate !== undefined) identity = { certificate };
    }
    for (const authenticator of authenticators) {
      identity = { ...identity, ...(await authenticator(exchange, upstream)) };
    }
    exchange.identity = identity;
    exchange.upstreamIdentity = upstream;
    for (const name of upstream.takenParams) exchange.query = withoutParam(exchange.query, name);
    return next(exchange);
  };
};
