// Rule stage: session persistence by cookies that name endpoints in their own words (HAProxy `cookie`). Unlike a token's, such a
// session moves with the client: who is served by another endpoint is told that one.
import type { EndpointCookie, SessionPersistence } from "#contract/backend-policy.ts";
import {
  type CookieClaim,
  cookieAttributes,
  cookiePolicyOf,
  insertedCookie,
  isDue,
  ownCookie,
  readClaims,
} from "#traffic/balance/endpoint-cookie.ts";
import type { BoundEndpoint } from "../exchange.ts";
import type { Handler, RuleScope } from "./stage.ts";

export function bindEndpointCookie(
  scope: RuleScope,
  session: SessionPersistence,
  cookie: EndpointCookie,
  next: Handler,
): Handler {
  const policy = cookiePolicyOf(session, cookie);
  const attributes = cookieAttributes(session, cookie);
  const { noCache } = session.cookieConfig;
  const refs = scope.rule.backendRefs;
  return async (exchange) => {
    const nowS = Math.floor(Date.now() / 1_000);
    const claims = readClaims(exchange.header("cookie"), policy, nowS);
    const [claim, bound] = firstAlive(scope, claims);
    if (bound) exchange.bound = bound;
    const response = await next(exchange);
    const { endpoint, refIndex, endpointIndex } = exchange;
    // Answered here, or by a backend whose clients are not bound.
    if (!endpoint || response.webSocket || refs[refIndex]?.sessionPersistence === false) return response;
    const isDirect = exchange.bound?.endpointIndex === endpointIndex && exchange.bound.refIndex === refIndex;
    const value = endpoint.endpoint.cookie;
    const fields = response.headers.getSetCookie();
    const own = fields.map((field) => ownCookie(field, policy, value, isDirect));
    const isPreserved = policy.preserve && own.some(({ kind }) => kind === "kept");
    const mayTell = !isPreserved && (!cookie.postOnly || exchange.method === "POST");
    const isTold = mayTell && isDue(policy, claim, isDirect, nowS);
    const isChanged = own.some(({ kind }) => kind === "changed" || kind === "removed");
    if (!isTold && !isChanged) return response;
    const told = new Response(response.body, response);
    if (isChanged) {
      told.headers.delete("set-cookie");
      own.forEach((one, index) => {
        if (one.kind === "removed") return;
        told.headers.append("set-cookie", one.kind === "changed" ? one.field : fields[index]!);
      });
    }
    if (!isTold) return told;
    told.headers.append("set-cookie", insertedCookie(policy, value, claim, attributes, nowS));
    if (noCache) told.headers.append("cache-control", "private");
    return told;
  };
}

/** The first cookie that names an endpoint which may be used, and that endpoint. */
function firstAlive(
  scope: RuleScope,
  claims: readonly CookieClaim[],
): [CookieClaim | undefined, BoundEndpoint | undefined] {
  for (const claim of claims) {
    const bound = claim.value === "" ? undefined : endpointOf(scope, claim.value);
    if (bound) return [claim, bound];
  }
  return [claims[0], undefined];
}

/** Several endpoints may have the same value, so that one stands in for the other. */
function endpointOf({ rule, backends }: RuleScope, value: string): BoundEndpoint | undefined {
  for (const [refIndex, { backend, sessionPersistence }] of rule.backendRefs.entries()) {
    if (sessionPersistence === false) continue;
    const plan = backends.get(backend ?? "");
    const endpointIndex = plan?.endpoints.findIndex(
      ({ endpoint }, index) => endpoint.cookie === value && plan.balancer.keepsSessions(index),
    );
    if (endpointIndex !== undefined && endpointIndex >= 0) return { refIndex, endpointIndex };
  }
  return undefined;
}
