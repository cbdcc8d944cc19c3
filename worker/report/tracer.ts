// Spans of sampled requests, sent as OTLP/HTTP JSON in batches, off the requests' path. Bounded: a collector that is slow
// or gone costs spans, never requests.
import { counterName } from "#contract/counter-name.ts";
import type { GatewayError } from "#contract/error.ts";
import type { SnapshotSettings } from "#contract/snapshot.ts";
import { newSpanId, traceOf, formatTraceparent } from "#traffic/trace/trace-context.ts";
import type { Exchange } from "../exchange.ts";
import { otlpSpans, type Span } from "./otlp.ts";
import type { StageSpan } from "./stage-spans.ts";

export type TracingSettings = NonNullable<SnapshotSettings["tracing"]>;

/** Spans that wait for the next batch; more are dropped, and counted. */
const maxWaiting = 512;
/** A batch is sent this long after its first span. */
const batchMs = 1_000;
/** A batch that has not left after this long belonged to a request that was cancelled. */
const abandonMs = 10_000;
const sendTimeoutMs = 5_000;

const droppedCounter = counterName("spans_dropped_total");

/** Name of the spans of attempts at endpoints. */
export const attemptSpan = "attempt";

/** The trace of one request. */
export interface RequestTrace {
  readonly traceId: string;
  readonly parentId: string | undefined;
  readonly sampled: boolean;
  /** Of the request as a whole. */
  readonly spanId: string;
  /** Of what is sent upstream; the endpoint's spans hang below it. */
  readonly forwardId: string;
  /** When the request was ready to be sent; -1 until then. */
  forwardedMs: number;
  /** Of the stages that took part, in the order in which they ended. */
  readonly stages: StageSpan[];
}

export class Tracer {
  readonly #settings: TracingSettings;
  readonly #random: () => number;
  readonly #send: (url: string, body: string) => Promise<void>;
  #waiting: Span[] = [];
  #batchStartedMs = -Infinity;

  constructor(
    settings: TracingSettings,
    random: () => number,
    send: (url: string, body: string) => Promise<void> = sendToCollector,
  ) {
    this.#settings = settings;
    this.#random = random;
    this.#send = send;
  }

  begin(traceparent: string | null): RequestTrace {
    const { traceId, parentId, sampled } = traceOf(traceparent, this.#settings.samplingRate, this.#random);
    const spanId = newSpanId(this.#random);
    return {
      traceId,
      parentId,
      sampled,
      spanId,
      forwardId: newSpanId(this.#random),
      forwardedMs: -1,
      stages: [],
    };
  }

  end(exchange: Exchange, status: number, error: GatewayError | undefined, nowMs: number): void {
    const { trace, lifetime, plan } = exchange;
    const url = this.#settings.otlpEndpoint;
    if (!trace?.sampled || url === undefined) return;
    if (this.#waiting.length >= maxWaiting) return plan.counters.countEvent(droppedCounter);
    this.#waiting.push(...spansOf(exchange, trace, status, error, nowMs), ...this.#stageSpans(trace));
    if (nowMs - this.#batchStartedMs < abandonMs) return;
    this.#batchStartedMs = nowMs;
    lifetime.waitUntil(this.#sendBatch(url));
  }

  /** Those of attempts hang below the forwarding, the others below the request. */
  #stageSpans(trace: RequestTrace): Span[] {
    return trace.stages.map(({ name, startMs, endMs, endpoint, status, failed }) => ({
      traceId: trace.traceId,
      spanId: newSpanId(this.#random),
      parentId: name === attemptSpan ? trace.forwardId : trace.spanId,
      name,
      kind: "internal",
      startMs,
      endMs,
      failed,
      attributes: { "isthmus.endpoint": endpoint, "http.response.status_code": status },
    }));
  }

  /** Never rejects. */
  async #sendBatch(url: string): Promise<void> {
    await new Promise((done) => setTimeout(done, batchMs));
    const spans = this.#waiting;
    this.#waiting = [];
    this.#batchStartedMs = -Infinity;
    try {
      await this.#send(url, JSON.stringify(otlpSpans(spans)));
    } catch (error) {
      console.log(JSON.stringify({ event: "spans_not_sent", spans: spans.length, reason: String(error) }));
    }
  }
}

/** The endpoint's view of the trace. `tracestate` belongs to a `traceparent`, so it goes where that was not valid (§4.3). */
export function propagateTrace(headers: Headers, trace: RequestTrace, nowMs: number): void {
  trace.forwardedMs = nowMs;
  headers.set("traceparent", formatTraceparent(trace.traceId, trace.forwardId, trace.sampled));
  if (trace.parentId === undefined) headers.delete("tracestate");
}

function spansOf(
  exchange: Exchange,
  trace: RequestTrace,
  status: number,
  error: GatewayError | undefined,
  nowMs: number,
): Span[] {
  const { matched, backend, endpoint, method } = exchange;
  const failed = status >= 500;
  const request: Span = {
    traceId: trace.traceId,
    spanId: trace.spanId,
    parentId: trace.parentId,
    name: matched ? `${method} ${matched.route.name}` : method,
    kind: "server",
    startMs: exchange.startedMs,
    endMs: nowMs,
    failed,
    attributes: {
      "http.request.method": method,
      "url.path": exchange.path,
      "url.scheme": exchange.scheme,
      "server.address": exchange.host,
      "client.address": exchange.chain.clientAddress,
      "http.response.status_code": status,
      "isthmus.listener": exchange.listener?.name,
      "isthmus.rule": matched?.rule.id,
      "error.type": error?.code,
    },
  };
  if (trace.forwardedMs < 0 || !backend) return [request];
  const forward: Span = {
    traceId: trace.traceId,
    spanId: trace.forwardId,
    parentId: trace.spanId,
    name: `forward ${backend.backend.name}`,
    kind: "client",
    startMs: trace.forwardedMs,
    endMs: nowMs,
    failed,
    attributes: {
      "isthmus.backend": backend.backend.name,
      "server.address": endpoint?.endpoint.address,
      "server.port": endpoint?.endpoint.port,
      "http.request.resend_count": exchange.tried?.length,
    },
  };
  return [request, forward];
}

async function sendToCollector(url: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
    signal: AbortSignal.timeout(sendTimeoutMs),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`the collector answered ${response.status}`);
}
