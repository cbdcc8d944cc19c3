// Gives each isolate its one `Isolate`, wired to the platform.
import { limits } from "#contract/limits.ts";
import { SnapshotReader } from "#contract/snapshot-reader.ts";
import { speaksTls, type VersionedSnapshot } from "#contract/snapshot.ts";
import { allAtOnce, withPauses } from "#contract/steps.ts";
import { readSyncText } from "#contract/sync-text.ts";
import type { SyncRequest, SyncResponse } from "#contract/sync.ts";
import type { Env } from "../env.ts";
import { answersDial } from "../forward/dial.ts";
import { callLimiter } from "../limit/call-limiter.ts";
import { Limiter } from "../limit/limiter.ts";
import { objectUrl } from "#contract/object-path.ts";
import { hasHubs, objectFetch } from "../objects.ts";
import { pause } from "../pause.ts";
import { RequestCounters } from "../plan/request-counters.ts";
import { planSteps, type PolicyStages } from "../plan/snapshot-plan.ts";
import type { HubFetch } from "../plan/tunnel-plan.ts";
import { BatchedLines, lineByLine } from "../report/line-log.ts";
import { statisticsOf } from "../stage/statistics.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { failureResponse } from "../tunnel/failure-response.ts";
import { shareOfProcess } from "../process-share.ts";
import { compileConnectTo } from "./connect-to.ts";
import { Isolate } from "./isolate.ts";
import { snapshotKey } from "./last-good.ts";

/** The state object answers from memory; one that needs longer than it may hold the answer is as good as down. */
const syncTimeoutMs = limits.syncHoldMs + 3_000;

/** The environment is the same object for all requests of an isolate; tests may have several. */
export function createIsolateOf(stages: PolicyStages): (env: Env) => Isolate {
  const isolates = new WeakMap<Env, Isolate>();
  return (env) => {
    let isolate = isolates.get(env);
    if (!isolate) {
      isolate = createIsolate(env, stages);
      isolates.set(env, isolate);
    }
    return isolate;
  };
}

function createIsolate(env: Env, stages: PolicyStages): Isolate {
  const gateway = crypto.randomUUID();
  const secret = env.SESSION_SECRET ?? crypto.randomUUID();
  const nowMs = (): number => Date.now();
  const log = (event: string, fields: Record<string, unknown>): void =>
    console.log(JSON.stringify({ event, gateway, ...fields }));
  const limiter = new Limiter({
    holder: gateway,
    nowMs,
    log,
    call: (number, call) => callLimiter(env, number, call),
  });
  const counters = new RequestCounters();
  const snapshots = new SnapshotReader();
  const connectTo = compileConnectTo(env.CONNECT_TO);
  const isolate: Isolate = new Isolate({
    gateway,
    nowMs,
    requestCounters: counters,
    limitCounters: limiter.counters,
    sync: (request, answered) => syncWithRegion(env, request, answered, snapshots),
    lastGood: () => readLastGood(env, snapshots),
    compile: (snapshot, previous) =>
      planSteps(snapshot, {
        stages,
        previous,
        limiter,
        counters,
        zone: env.ZONE,
        secret,
        random: Math.random,
        nowMs: Date.now(),
        directService: (endpointId, protocol) =>
          speaksTls(protocol) ? env[`direct-tls:${endpointId}`] : env[`direct:${endpointId}`],
        answers: ({ address, port }, timeoutMs) =>
          answersDial({ ...connectTo(address, port), secure: false }, timeoutMs),
        shareOf: shareOfProcess(env),
        fetchStatistics: statisticsOf(env.CONTROL),
        fetchHub: hubFetchOf(env),
        awaitNews: (lifetime) => isolate.awaitNews(lifetime),
      }),
    pause,
    log,
    // Only `isthmus serve` names its processes.
    accessLog:
      env.PROCESS === undefined ? lineByLine : new BatchedLines(nowMs, (lines) => console.log(lines)),
  });
  return isolate;
}

function hubFetchOf(env: Env): HubFetch {
  const { PROCESS } = env;
  if (!hasHubs(env)) return async () => failureResponse({ code: "tunnel_unavailable", safe: true });
  return (hub, request) => {
    if (PROCESS !== undefined && request.headers.has("upgrade"))
      request.headers.set(internalHeaders.gatewayProcess, PROCESS);
    return objectFetch(env, "TunnelHub", hub, request);
  };
}

async function syncWithRegion(
  env: Env,
  body: SyncRequest,
  answered: () => void,
  snapshots: SnapshotReader,
): Promise<SyncResponse> {
  const region = env.REGION ?? "default";
  const request = new Request(objectUrl("RegionState", region, "/sync"), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...body, snapshotHash: snapshots.hash }),
    signal: AbortSignal.timeout(syncTimeoutMs),
  });
  const response = await objectFetch(env, "RegionState", region, request);
  if (!response.ok) throw new Error(`the region's state object answered ${response.status}`);
  const text = await response.text();
  answered();
  return withPauses(readSyncText(text, snapshots), pause);
}

async function readLastGood(env: Env, snapshots: SnapshotReader): Promise<VersionedSnapshot | undefined> {
  const stored = await env.SNAPSHOTS.get(snapshotKey);
  return stored === null ? undefined : allAtOnce(snapshots.read(stored));
}
