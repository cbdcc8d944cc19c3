// One line of JSON per request, through the runtime's log. Queries are left out: they carry tokens and searches.
import type { GatewayError } from "#contract/error.ts";
import type { SnapshotSettings } from "#contract/snapshot.ts";
import type { Exchange } from "../exchange.ts";
import { requestIdChars, requestIdHeader } from "../stage/observe-request.ts";

export interface AccessLogLine {
  readonly ts: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly listener?: string;
  readonly route?: string;
  readonly rule?: string;
  readonly backend?: string;
  readonly endpoint?: string;
  readonly status: number;
  /** Code of an error that the gateway answered itself. */
  readonly error?: string;
  /** What is known about it beyond the code. */
  readonly detail?: string;
  /** To the response head. */
  readonly durationMs: number;
  readonly client: string;
  readonly requestId?: string;
  readonly traceId?: string;
}

/** `errors`: what the gateway had to answer itself because something failed, and every 5xx. */
export function isLogged(
  { mode }: SnapshotSettings["accessLog"],
  status: number,
  error: GatewayError | undefined,
): boolean {
  return mode === "all" || (mode === "errors" && (error !== undefined || status >= 500));
}

export function accessLogLine(
  exchange: Exchange,
  status: number,
  error: GatewayError | undefined,
  nowMs: number,
): AccessLogLine {
  const { matched, backend, endpoint, listener } = exchange;
  const requestId = exchange.requestId ?? exchange.header(requestIdHeader);
  return {
    ts: new Date(exchange.startedMs).toISOString(),
    method: exchange.method,
    host: exchange.host,
    path: exchange.path,
    ...(listener && { listener: listener.name }),
    ...(matched && { route: matched.route.name, rule: matched.rule.id }),
    ...(backend && { backend: backend.backend.name }),
    ...(endpoint && { endpoint: endpoint.endpoint.id }),
    status,
    ...(error && { error: error.code, detail: error.message.slice(0, detailChars) }),
    durationMs: nowMs - exchange.startedMs,
    client: exchange.chain.clientAddress,
    ...(requestId !== null && { requestId: requestId.slice(0, requestIdChars) }),
    ...(exchange.trace && { traceId: exchange.trace.traceId }),
  };
}

const detailChars = 512;
