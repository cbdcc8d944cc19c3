// Rule stage: session persistence (Gateway API GEP-1619). A token names the endpoint that a client is bound to; it goes
// before weights and balancing. While the endpoint is down the client is served elsewhere, but stays bound to it.
import type { SessionPersistence } from "#contract/backend-policy.ts";
import { endpointKey, type SnapshotRule } from "#contract/snapshot.ts";
import { cookieValue, sessionCookie } from "#traffic/balance/session-cookie.ts";
import { type Session, SessionCodec } from "#traffic/balance/session-token.ts";
import type { BoundEndpoint, Exchange } from "../exchange.ts";
import { bindEndpointCookie } from "./bind-endpoint-cookie.ts";
import type { RuleScope, Stage } from "./stage.ts";

export const persistSession: Stage<RuleScope> = (scope, next) => {
  const policy = scope.rule.sessionPersistence;
  if (!policy) return next;
  const { endpointCookie } = policy.cookieConfig;
  if (endpointCookie) return bindEndpointCookie(scope, policy, endpointCookie, next);
  const path = cookiePath(scope.rule);
  // Kept as a value: a promise of one request must not be waited for by another.
  let table: SessionTable | undefined;
  return async (exchange) => {
    table ??= await SessionTable.create(scope, policy.sessionName);
    const nowMs = Date.now();
    const token = tokenOf(policy, exchange);
    const session = token ? await table.codec.decode(token, nowMs, policy) : undefined;
    const bound = session && table.find(session.tag);
    if (bound && isAlive(scope, bound)) exchange.bound = bound;
    const response = await next(exchange);
    const tag = table.tagOf(exchange.refIndex, exchange.endpointIndex);
    // Bound to an endpoint that still exists: served elsewhere for now.
    const stays = bound !== undefined && session?.tag !== tag && policy.moveOnFailure !== true;
    if (tag === undefined || stays || (session?.tag === tag && !session?.renew)) return response;
    return withToken(response, policy, await table.codec.encode(tag, issuedMs(session, tag, nowMs), nowMs), {
      secure: exchange.scheme === "https",
      path,
    });
  };
};

/** The endpoints of a rule by the tags that tokens call them. */
class SessionTable {
  readonly codec: SessionCodec;
  readonly #byTag = new Map<string, BoundEndpoint>();
  /** By backendRef; those that bind nobody have none. */
  readonly #tags: string[][] = [];

  private constructor(codec: SessionCodec) {
    this.codec = codec;
  }

  static async create({ rule, backends, secret }: RuleScope, sessionName: string): Promise<SessionTable> {
    const key = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(secret));
    const codec = await SessionCodec.create(new Uint8Array(key), sessionName);
    const table = new SessionTable(codec);
    for (const [refIndex, { backend, sessionPersistence }] of rule.backendRefs.entries()) {
      if (sessionPersistence === false) continue;
      const endpoints = backends.get(backend ?? "")?.backend.endpoints ?? [];
      const tags = await Promise.all(endpoints.map(({ id }) => codec.tag(endpointKey(backend ?? "", id))));
      table.#tags[refIndex] = tags;
      tags.forEach((tag, endpointIndex) => {
        if (!table.#byTag.has(tag)) table.#byTag.set(tag, { refIndex, endpointIndex });
      });
    }
    return table;
  }

  find(tag: string): BoundEndpoint | undefined {
    return this.#byTag.get(tag);
  }

  tagOf(refIndex: number, endpointIndex: number): string | undefined {
    return this.#tags[refIndex]?.[endpointIndex];
  }
}

function isAlive({ rule, backends }: RuleScope, { refIndex, endpointIndex }: BoundEndpoint): boolean {
  const backend = backends.get(rule.backendRefs[refIndex]?.backend ?? "");
  return backend?.balancer.keepsSessions(endpointIndex) ?? false;
}

function tokenOf({ type, sessionName }: SessionPersistence, exchange: Exchange): string | undefined {
  if (type === "Header") return exchange.header(sessionName.toLowerCase()) ?? undefined;
  return cookieValue(exchange.header("cookie"), sessionName);
}

/** A session that moves starts anew. */
function issuedMs(session: Session | undefined, tag: string, nowMs: number): number {
  return session?.tag === tag ? session.issuedMs : nowMs;
}

function withToken(
  response: Response,
  policy: SessionPersistence,
  token: string,
  cookie: { readonly secure: boolean; readonly path: string },
): Response {
  const told = new Response(response.body, response);
  if (policy.type === "Header") told.headers.set(policy.sessionName, token);
  else told.headers.append("set-cookie", sessionCookie(policy, token, cookie));
  if (policy.cookieConfig.noCache) told.headers.set("cache-control", "private");
  return told;
}

/** GEP-1619: the path of the rule's match, where there is one; otherwise the whole host. */
function cookiePath({ matches }: SnapshotRule): string {
  const [match] = matches;
  return matches.length === 1 && match?.path.type === "PathPrefix" ? match.path.value : "/";
}
