// A call of gRPC that the gateway itself makes of a backend, on behalf of a request.
import { GatewayError } from "#contract/error.ts";
import { formatGrpcTimeout } from "#traffic/grpc/timeout.ts";
import { messageFrame, readUnaryAnswer, unaryContentType } from "#traffic/grpc/unary-call.ts";
import { readBounded } from "../access/bounded-body.ts";
import type { Exchange } from "../exchange.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import { forward } from "./forward.ts";
import { pickEndpoint } from "./pick-endpoint.ts";
import { type BackendScope, compose, type Handler, type Stage } from "./stage.ts";

export interface BackendCall {
  /** Name of a backend that speaks gRPC. */
  readonly backend: string;
  /** `/package.Service/Method`. */
  readonly path: string;
  readonly message: Uint8Array;
  readonly timeoutMs: number;
}

/** The message of the answer. Rejects where there is none in time, whatever the reason. */
export type CallBackend = (exchange: Exchange, call: BackendCall) => Promise<Uint8Array>;

const maxAnswerBytes = 256 * 1024;

/** Each plan has its backends; a call goes to that of the request's plan. */
const handlers = new WeakMap<BackendPlan, Handler>();

export const callBackend: CallBackend = async (exchange, { backend: name, path, message, timeoutMs }) => {
  const backend = exchange.plan.backends.get(name);
  if (!backend) throw new GatewayError("backend_invalid", name);
  const handler = handlers.get(backend) ?? compose([pickEndpoint, nameEndpoint, forward], scopeOf(backend));
  handlers.set(backend, handler);
  const headers = { "content-type": unaryContentType, "grpc-timeout": formatGrpcTimeout(timeoutMs) };
  // Without what the front door says of the connection: the answer is for nobody but the gateway.
  const asked = exchange.fork(new Request(exchange.request.url, { method: "POST", headers }));
  const signal = AbortSignal.timeout(timeoutMs);
  Object.assign(asked, {
    backend,
    headers: new Headers(headers),
    upstreamPath: path,
    upstreamQuery: "",
    upstreamIdentity: undefined,
    replacedBody: messageFrame(message),
    trailers: undefined,
    bodySignal: undefined,
    cancelled: undefined,
    informs: false,
    signal,
  });
  const response = await handler(asked);
  const { bytes, complete } = await readBounded(response.body, maxAnswerBytes);
  if (response.status !== 200) throw new Error(`status ${response.status}`);
  if (!complete) throw new Error(`the answer is longer than ${maxAnswerBytes} bytes`);
  return readUnaryAnswer(response.headers.get("grpc-status"), bytes);
};

/** As clients of gRPC name the server that they have dialled. */
const nameEndpoint: Stage<BackendScope> = (_scope, next) => (exchange) => {
  exchange.upstreamAuthority = exchange.endpoint!.endpoint.id;
  return next(exchange);
};

/** No rule's: nothing is retried, nothing is filtered. */
function scopeOf(backend: BackendPlan): BackendScope {
  const ref = { backend: backend.backend.name, weight: 1, filters: [] };
  return {
    rule: { id: "", matches: [], filters: [], backendRefs: [ref], timeouts: {} },
    access: undefined,
    ref,
    filters: {},
    backend,
    backends: new Map(),
    random: () => 0,
  };
}
