// A gateway for tests: the real app, plans and isolate on a snapshot of the test's, with functions for endpoints and hubs.
import type { Snapshot, SnapshotBackend, SnapshotRule, VersionedSnapshot } from "#contract/snapshot.ts";
import { createApp, policyStages } from "../app.ts";
import type { Env, SocketProps } from "../env.ts";
import { Limiter, type LimiterInputs } from "../limit/limiter.ts";
import { RequestCounters } from "../plan/request-counters.ts";
import { planSteps } from "../plan/snapshot-plan.ts";
import { lineByLine } from "../report/line-log.ts";
import type { FetchStatistics } from "../stage/statistics.ts";
import { Isolate, type IsolateInputs } from "../state/isolate.ts";

/** Answers a request to an endpoint, as it left the gateway. */
export type TestOrigin = (request: Request, endpointId: string) => Response | Promise<Response>;

export interface TestGatewayOptions {
  readonly origin?: TestOrigin;
  readonly hub?: (request: Request, hub: string) => Response | Promise<Response>;
  readonly random?: () => number;
  /** What the socket says of itself. */
  readonly props?: SocketProps;
  readonly unhealthy?: readonly string[];
  /** Whether something answers a connection to the endpoint, or nothing ever does. */
  readonly answers?: (endpointId: string) => boolean;
  readonly statistics?: FetchStatistics;
  /** Plays the RateLimiter objects. */
  readonly limiter?: LimiterInputs["call"];
}

export interface TestGateway {
  /** A request as a client sends it. Its Host is the URL's. */
  ask(url: string, init?: RequestInit): Promise<Response>;
  readonly isolate: Isolate;
  /** Resolves when everything that the gateway does after its answers is done. */
  settled(): Promise<void>;
}

export function createTestGateway(snapshot: Snapshot, options: TestGatewayOptions = {}): TestGateway {
  const version: VersionedSnapshot = { version: 1, hash: `sha256:${"0".repeat(64)}`, snapshot };
  const isolate = new Isolate({
    ...quietIsolate(options),
    sync: () =>
      Promise.resolve({
        snapshot: version,
        tunnels: {},
        ...(options.unhealthy && { health: { version: 1, unhealthy: [...options.unhealthy] } }),
      }),
  });
  const pending: Promise<unknown>[] = [];
  const app = createApp(() => isolate);
  const lifetime = {
    waitUntil: (promise: Promise<unknown>) => void pending.push(promise),
    passThroughOnException: () => undefined,
    props: options.props ?? {},
  };
  return {
    isolate,
    ask: async (url, init) =>
      app.fetch(clientRequest(url, init), {} as Env, lifetime as unknown as ExecutionContext),
    settled: async () => {
      await Promise.allSettled(pending);
    },
  };
}

/** Inputs of an isolate that compiles real plans, has no last good snapshot, and whose `sync` is to be given. */
export function quietIsolate(options: TestGatewayOptions = {}): Omit<IsolateInputs, "sync"> {
  const { origin = () => new Response("ok"), hub = () => new Response("ok"), random = () => 0 } = options;
  const nowMs = (): number => Date.now();
  const limiter = new Limiter({
    holder: "test",
    nowMs,
    log: () => undefined,
    call: options.limiter ?? (() => Promise.reject(new Error("no limiter in this test"))),
  });
  const counters = new RequestCounters();
  return {
    gateway: "test",
    nowMs,
    requestCounters: counters,
    limitCounters: limiter.counters,
    lastGood: () => Promise.resolve(undefined),
    log: () => undefined,
    accessLog: lineByLine,
    pause: () => Promise.resolve(),
    compile: (snapshot, previous) =>
      planSteps(snapshot, {
        stages: policyStages,
        previous,
        limiter,
        counters,
        random,
        nowMs: nowMs(),
        zone: undefined,
        secret: "secret of the tests",
        directService: (endpointId) => serviceOf(origin, endpointId),
        answers: async ({ id }, timeoutMs) => {
          if (options.answers?.(id) !== false) return true;
          await scheduler.wait(timeoutMs);
          return false;
        },
        shareOf: (whole) => whole,
        fetchStatistics: options.statistics ?? (() => Promise.reject(new Error("no control in this test"))),
        fetchHub: async (name, request) => hub(request, name),
        awaitNews: () => undefined,
      }),
  };
}

function serviceOf(origin: TestOrigin, endpointId: string): Fetcher {
  const fetch = async (input: RequestInfo, init?: RequestInit): Promise<Response> =>
    origin(new Request(input, init), endpointId);
  return { fetch } as unknown as Fetcher;
}

/** With a Host header, as every request from a socket has. */
function clientRequest(url: string, init: RequestInit = {}): Request {
  const headers = new Headers(init.headers);
  if (!headers.has("host")) headers.set("host", url.split("/")[2] ?? "");
  return new Request(url, { redirect: "manual", ...init, headers });
}

// --- snapshots -----------------------------------------------------------------------------------------------------

/** One listener `web`, one route with these rules for every host. */
export function testSnapshot(
  rules: Partial<SnapshotRule>[],
  backends: SnapshotBackend[] = [testBackend("pods", 1)],
): Snapshot {
  return {
    format: 1,
    listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
    routes: [
      {
        name: "r",
        listeners: ["web"],
        hostnames: [],
        rules: rules.map((rule, index) => ({
          id: `r/${index}`,
          matches: [testMatch("/")],
          filters: [],
          backendRefs: [{ backend: "pods", weight: 1, filters: [] }],
          timeouts: {},
          ...rule,
        })),
      },
    ],
    backends,
    settings: {
      clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
      accessLog: { mode: "off" },
    },
  };
}

export function testMatch(value: string): SnapshotRule["matches"][number] {
  return { path: { type: "PathPrefix", value }, headers: [], queryParams: [] };
}

/** Endpoints are 127.0.0.1 with these ports. */
export function testBackend(name: string, ...ports: number[]): SnapshotBackend {
  return {
    name,
    protocol: "HTTP",
    endpoints: ports.map((port) => ({
      id: `127.0.0.1:${port}`,
      address: "127.0.0.1",
      port,
      weight: 1,
    })),
    loadBalancer: { type: "RoundRobin" },
    healthCheck: {},
  };
}
