// One request on its way through the data path: what it asked for, and what the stages have decided so far. All fields
// exist from the start, so that every exchange has the same shape.
import type { GatewayError } from "#contract/error.ts";
import type { ClientCertificateFacts } from "#traffic/access/distinguished-name.ts";
import type { Claims, Identity } from "#traffic/access/identity.ts";
import type { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";
import { RequestCounters } from "#traffic/counter/request-counters.ts";
import { claimText } from "#traffic/limit/claim-text.ts";
import type { RequestHead } from "#traffic/match/request-head.ts";
import type { RuleMatch } from "#traffic/match/matcher.ts";
import type { ForwardingChain } from "#traffic/forwarding/forwarded.ts";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { clientCertificateOf } from "./access/client-certificate.ts";
import type { SocketProps } from "./env.ts";
import type { RequestTrailers } from "./forward/request-trailers.ts";
import type { BackendPlan } from "./plan/backend-plan.ts";
import type { EndpointPlan } from "./plan/endpoint-plan.ts";
import type { RequestTrace } from "./report/tracer.ts";
import type { SnapshotPlan } from "./plan/snapshot-plan.ts";

/** What the exchange needs of the platform's execution context. */
export interface Lifetime {
  waitUntil(promise: Promise<unknown>): void;
  readonly props?: SocketProps;
}

export interface BoundEndpoint {
  readonly refIndex: number;
  readonly endpointIndex: number;
}

export class Exchange implements RequestHead {
  readonly request: Request;
  readonly lifetime: Lifetime;
  readonly plan: SnapshotPlan;
  readonly startedMs: number;
  readonly method: string;
  #fields: ReadonlyMap<string, string> | undefined = undefined;
  #granted: Map<string, string | null> | undefined = undefined;
  #uniqueId: string | undefined = undefined;
  #counters: RequestCounters | undefined = undefined;

  // Entry: who asks, where, for what.
  listener: SnapshotListener | undefined = undefined;
  scheme: "http" | "https" = "http";
  /** Host header as received; empty until it is known to be well formed. */
  authority = "";
  host = "";
  /** Port the client used. */
  port = 0;
  /** Normalised, as matched and as logged. */
  path = "";
  query = "";
  chain: ForwardingChain = unknownClient;
  /** What credentials have proved; empty where the rule asks for none. */
  identity: Identity = anonymous;

  /** Of the verified token; absent: no rule that may take the request has asked for any yet. */
  claims: Claims | undefined = undefined;

  /** Under which the request is logged and told to the endpoint; absent: nobody asks. */
  requestId: string | undefined = undefined;
  /** Whoever sent it asks what was decided; not checked yet. */
  debugToken: string | null = null;
  /** Absent: tracing is off. */
  trace: RequestTrace | undefined = undefined;

  // Match and pick.
  matched: RuleMatch | undefined = undefined;
  /** Index into the rule's backendRefs; -1 until one is picked. */
  refIndex = -1;
  backend: BackendPlan | undefined = undefined;
  endpointIndex = -1;
  endpoint: EndpointPlan | undefined = undefined;
  /** Endpoints that could not be reached. */
  tried: number[] | undefined = undefined;
  /** Endpoint that the client's session is bound to. */
  bound: BoundEndpoint | undefined = undefined;
  /** Cookies that the client did not have, by name, with their Set-Cookie. */
  givenCookies: Map<string, { readonly value: string; readonly field: string }> | undefined = undefined;
  /** Headers of the response as they were before they were modified; absent: nothing has. */
  givenHeaders: Headers | undefined = undefined;
  /** What the response tells of, where a stage has answered an error itself. */
  error: GatewayError | undefined = undefined;

  // What is sent upstream.
  /** Authority, path and query that the endpoint sees; rewrites change them. */
  upstreamAuthority = "";
  upstreamPath = "";
  /** Absent: the client's. */
  upstreamQuery: string | undefined = undefined;
  headers: Headers | undefined = undefined;
  /** What the endpoint is told about who asks. */
  upstreamIdentity: UpstreamIdentity | undefined = undefined;
  /** In place of the request's own body. */
  replacedBody: ReadableStream<Uint8Array> | Uint8Array | undefined = undefined;
  /** Its informational answers are for the client; not so those of a copy. */
  informs = true;
  /** What may follow the body; absent where the client has announced nothing. */
  trailers: RequestTrailers | undefined = undefined;
  /** Aborted, with a `GatewayError`, when the body that comes in must go no further. */
  bodySignal: AbortSignal | undefined = undefined;
  /** Aborts the attempt; present only under a timeout. */
  signal: AbortSignal | undefined = undefined;
  /** Aborts when another copy of the request has won; present only under hedging. */
  cancelled: AbortSignal | undefined = undefined;

  constructor(request: Request, lifetime: Lifetime, plan: SnapshotPlan, nowMs: number) {
    this.request = request;
    this.lifetime = lifetime;
    this.plan = plan;
    this.startedMs = nowMs;
    this.method = request.method;
  }

  /**
   * The request's fields by lower-case name, as it came in. Read in one go when first asked for: that costs as much as three
   * calls into the runtime for one of them (workerd 1.20261102.1).
   */
  get fields(): ReadonlyMap<string, string> {
    return (this.#fields ??= fieldsOf(this.request.headers));
  }

  header(name: string): string | null {
    const granted = this.#granted?.get(name);
    return granted === undefined ? (this.fields.get(name) ?? null) : granted;
  }

  /** A header that an authorization server has given the request, in place of the client's; `null`: it has taken it. */
  grant(name: string, value: string | null): void {
    (this.#granted ??= new Map()).set(name.toLowerCase(), value);
  }

  /** A claim of the verified token as text; `null`: there is none. */
  claim(name: string): string | null {
    return claimText(this.identity.token?.claims, name);
  }

  /** Only the front door of `isthmus serve` knows it. */
  get serverName(): string | undefined {
    return this.#fact("tlsServerName");
  }

  /** Of the other end of the socket, unless a proxy in front was believed about the address. */
  get clientPort(): string | undefined {
    if (this.chain.addresses.length > 1) return undefined;
    return /^(?:[0-9.]+|\[.*\]):([0-9]+)$/.exec(this.#fact("clientIp") ?? "")?.[1];
  }

  /** A socket of workerd's own does not tell; it speaks HTTP/1. */
  get protocol(): string | undefined {
    return this.#fact("httpProtocol") || undefined;
  }

  get tlsVersion(): string | undefined {
    return this.#fact("tlsVersion");
  }

  get tlsCipher(): string | undefined {
    return this.#fact("tlsCipher");
  }

  /** What is known of the connection (Cloudflare's names). */
  #fact(name: string): string | undefined {
    const value = (this.request.cf as Record<string, unknown> | undefined)?.[name];
    return typeof value === "string" ? value : undefined;
  }

  get clientCertificate(): ClientCertificateFacts {
    return clientCertificateOf(this.request.cf);
  }

  /** Made up when first asked for: hardly any configuration does. */
  get uniqueId(): string {
    return (this.#uniqueId ??= crypto.randomUUID());
  }

  /** What the counter tables said when the first of them was asked. */
  get counters(): RequestCounters {
    return (this.#counters ??= new RequestCounters(this.plan.counterTables, this, this.startedMs));
  }

  endpointsUp(backend: string): number | undefined {
    return this.plan.backends.get(backend)?.balancer.endpointsUp();
  }

  get timeMs(): number {
    return this.startedMs;
  }

  get clientAddress(): string {
    return this.chain.clientAddress;
  }

  get endpointName(): string | undefined {
    const { endpoint } = this.endpoint ?? {};
    return endpoint && (endpoint.name ?? endpoint.id);
  }

  /** What is sent upstream. */
  get body(): ReadableStream<Uint8Array> | Uint8Array | null {
    return this.replacedBody ?? this.request.body;
  }

  /** The same request once more, or another of its client's, for another endpoint: nothing is picked or tried yet. */
  fork(request: Request = this.request): Exchange {
    const copy = new Exchange(request, this.lifetime, this.plan, this.startedMs);
    copy.#granted = this.#granted;
    copy.#uniqueId = this.#uniqueId;
    copy.#counters = this.#counters;
    return Object.assign(copy, this, {
      request,
      method: request.method,
      headers: new Headers(this.headers),
      endpointIndex: -1,
      endpoint: undefined,
      tried: undefined,
      bound: undefined,
      signal: undefined,
    });
  }

  /** Path and query as the endpoint sees them. */
  get upstreamTarget(): string {
    const query = this.upstreamQuery ?? this.query;
    return query === "" ? this.upstreamPath : `${this.upstreamPath}?${query}`;
  }
}

function fieldsOf(headers: Headers): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  headers.forEach((value, name) => fields.set(name, value));
  return fields;
}

const anonymous: Identity = {};
const unknownClient: ForwardingChain = { clientAddress: "unknown", addresses: [], trusted: false };
