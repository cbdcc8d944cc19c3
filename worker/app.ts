// The data path, in order. Each stage is a file of `stage/`; those of rules and backends are compiled once per snapshot
// (`plan/snapshot-plan.ts`), where a stage that has nothing to do for a rule drops out.
import { Hono } from "hono";
import type { GatewayError } from "#contract/error.ts";
import type { Env } from "./env.ts";
import { Exchange, type Lifetime } from "./exchange.ts";
import { OneRouteRouter } from "./one-route-router.ts";
import type { PolicyStages } from "./plan/snapshot-plan.ts";
import { accessLogLine, isLogged } from "./report/access-log.ts";
import { withDecision } from "./report/decision.ts";
import { answerFor, asGatewayError, errorResponse } from "./report/error-response.ts";
import { httpLogLine } from "./report/http-log.ts";
import { withLateHeaders } from "./report/late-headers.ts";
import { attemptSpan } from "./report/tracer.ts";
import type { SpanOf } from "./report/stage-spans.ts";
import { admit } from "./stage/admit.ts";
import { askFirst } from "./stage/ask-first.ts";
import { authenticate } from "./stage/authenticate.ts";
import { authorize } from "./stage/authorize.ts";
import { giveCookies } from "./stage/client-key.ts";
import { countRequest } from "./stage/count-request.ts";
import { compressResponse } from "./stage/compress-response.ts";
import { cors, corsPreflight } from "./stage/cors.ts";
import { directResponse } from "./stage/direct-response.ts";
import { forward } from "./stage/forward.ts";
import { identifyAtListener, identifyClient } from "./stage/identify-client.ts";
import { guardBody } from "./stage/guard-body.ts";
import { hedge } from "./stage/hedge.ts";
import { injectFault } from "./stage/inject-fault.ts";
import { limitConcurrency } from "./stage/limit-concurrency.ts";
import { awaitHead } from "./stage/await-head.ts";
import { limitHead } from "./stage/limit-head.ts";
import { limitIdle } from "./stage/limit-idle.ts";
import { limitLoad } from "./stage/limit-load.ts";
import { limitRate } from "./stage/limit-rate.ts";
import { matchClaims } from "./stage/match-claims.ts";
import { matchRule } from "./stage/match-rule.ts";
import { mirrorRequest } from "./stage/mirror-request.ts";
import { modifyRequest } from "./stage/modify-request.ts";
import { modifyResponse } from "./stage/modify-response.ts";
import { observeRequest } from "./stage/observe-request.ts";
import { overrideResponse } from "./stage/override-response.ts";
import { persistSession } from "./stage/persist-session.ts";
import { pickBackend } from "./stage/pick-backend.ts";
import { pickEndpoint } from "./stage/pick-endpoint.ts";
import { preferEndpoint } from "./stage/prefer-endpoint.ts";
import { prepareRequest } from "./stage/prepare-request.ts";
import { readTarget } from "./stage/read-target.ts";
import { redirect } from "./stage/redirect.ts";
import { retry } from "./stage/retry.ts";
import { tellIdentity } from "./stage/tell-identity.ts";
import { statistics } from "./stage/statistics.ts";
import { unframeBody } from "./stage/unframe-body.ts";
import { timeouts } from "./stage/timeouts.ts";
import type { Isolate } from "./state/isolate.ts";

/** Every request, until its rule is known. Each sets its part of the exchange or throws a `GatewayError`. */
export const entryStages: readonly ((exchange: Exchange) => void)[] = [
  observeRequest,
  identifyClient,
  readTarget,
  identifyAtListener,
  limitHead,
  matchRule,
];

/** Stages that are told of in traces, where they take part. */
const spanOf: ReadonlyMap<unknown, SpanOf> = new Map<unknown, SpanOf>([
  [matchClaims, { name: "match claims" }],
  [askFirst, { name: "ask first" }],
  [authenticate, { name: "authenticate" }],
  [authorize, { name: "authorize" }],
  [limitConcurrency, { name: "limit concurrency" }],
  [limitRate, { name: "limit rate" }],
  [injectFault, { name: "inject fault" }],
  [pickEndpoint, { name: attemptSpan, whole: true }],
]);

/** What the rule asks for, then what the picked backend asks for; each stage wraps those below it. */
export const policyStages: PolicyStages = {
  rule: [
    matchClaims,
    countRequest,
    unframeBody,
    guardBody,
    compressResponse,
    cors,
    overrideResponse,
    admit,
    askFirst,
    authenticate,
    authorize,
    limitConcurrency,
    limitRate,
    redirect,
    directResponse,
    statistics,
    persistSession,
    pickBackend,
  ],
  backend: [
    corsPreflight,
    redirect,
    directResponse,
    injectFault,
    preferEndpoint,
    giveCookies,
    limitLoad,
    modifyResponse,
    prepareRequest,
    tellIdentity,
    modifyRequest,
    mirrorRequest,
    retry,
    hedge,
    pickEndpoint,
    timeouts,
    awaitHead,
    limitIdle,
    forward,
  ],
  spanOf,
};

export type GatewayApp = Hono<{ Bindings: Env }>;

/** `isolateOf` gives the isolate's copy of the state; one per environment. */
export function createApp(isolateOf: (env: Env) => Isolate): GatewayApp {
  // Paths are matched by the snapshot's matcher and by its one rule for what a path is, so Hono sees none.
  const app: GatewayApp = new Hono({ getPath: () => "/", router: new OneRouteRouter() });
  app.all("*", (context) => {
    const isolate = isolateOf(context.env);
    return answer(context.req.raw, context.executionCtx as Lifetime, isolate);
  });
  app.onError((error, context) => errorResponse(asGatewayError(error), context.req.raw));
  return app;
}

/** Rejects with `config_unavailable` when there is no snapshot to serve; every other error is answered. */
async function answer(request: Request, lifetime: Lifetime, isolate: Isolate): Promise<Response> {
  const ready = isolate.ready(lifetime);
  const plan = ready instanceof Promise ? await ready : ready;
  const exchange = new Exchange(request, lifetime, plan, Date.now());
  try {
    for (const stage of entryStages) stage(exchange);
    const answered = await plan.rules.get(exchange.matched!.rule)!.handler(exchange);
    const response = withLateHeaders(exchange, answered);
    report(exchange, isolate, response.status, exchange.error, response);
    return exchange.debugToken === null ? response : withDecision(exchange, response, exchange.error);
  } catch (caught) {
    const error = asGatewayError(caught);
    const response = withLateHeaders(exchange, answerFor(error, exchange));
    // A call of gRPC is answered 200, whatever has become of it.
    const status = response.headers.has("grpc-status") ? error.status : response.status;
    report(exchange, isolate, status, error, response);
    return withDecision(exchange, response, error);
  }
}

function report(
  exchange: Exchange,
  isolate: Isolate,
  status: number,
  error: GatewayError | undefined,
  response?: Response,
): void {
  const { plan } = exchange;
  const nowMs = Date.now();
  plan.counters.count(exchange, status, nowMs - exchange.startedMs);
  if (error) isolate.errors.count(error.code);
  if (error?.code === "internal") console.error(error.cause ?? error);
  plan.tracer?.end(exchange, status, error, nowMs);
  const { accessLog } = plan.settings;
  if (!isLogged(accessLog, status, error)) return;
  const bytes = accessLog.format === "HTTPLog" ? (response?.headers.get("content-length") ?? null) : null;
  const line =
    accessLog.format === "HTTPLog"
      ? httpLogLine(exchange, { status, bytes }, error, nowMs)
      : JSON.stringify(accessLogLine(exchange, status, error, nowMs));
  isolate.accessLog.write(line, exchange.lifetime);
}
