// Rule stage: another server's word, where it is to be asked before credentials are looked at.
import { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import { certificateName } from "../access/client-certificate.ts";
import type { RuleScope, Stage } from "./stage.ts";

/** After `admit`. Headers of the answer count as the request's own in all that follows. */
export const askFirst: Stage<RuleScope> = ({ access }, next) => {
  const { askFirst: ask, readsCertificate, ownedHeaders } = access ?? {};
  if (!ask) return next;
  return async (exchange) => {
    const certificate = readsCertificate ? certificateName(exchange.request.cf) : undefined;
    if (certificate !== undefined) exchange.identity = { certificate };
    exchange.upstreamIdentity = new UpstreamIdentity(ownedHeaders ?? new Set());
    return ask(exchange, next);
  };
};
