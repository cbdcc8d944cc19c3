// Takes up the streams that the edge opens: asks the slice and leads each to the forwarder of its kind.
import { speaksHttp2 } from "#contract/snapshot.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { type ConfigSlice, targetFor } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import type { EndpointPools } from "./endpoint-pool.ts";
import { announcedTrailers } from "./fields.ts";
import { forwardHttp } from "./forward-http.ts";
import { forwardHttpTrailers } from "./forward-http-trailers.ts";
import { forwardHttp2 } from "./forward-http2.ts";
import { forwardTcp } from "./forward-tcp.ts";
import { WebSocketExchange } from "./forward-websocket.ts";
import type { Log, LogFields } from "./log.ts";

/** With it the access log of the gateway, and the endpoint's own, name the same request. */
const requestIdField = "x-request-id";
const requestIdChars = 128;

export interface StreamRouterOptions {
  /** A line for each stream that is over; else for those that failed. */
  readonly logsStreams: () => boolean;
  readonly nowMs: () => number;
  readonly slice: ConfigSlice;
  readonly pools: EndpointPools;
  readonly dial: Dial;
}

/** The `onStream` of a session. The log already carries the connection's id. */
export type RouteStream = (
  log: Log,
  stream: TunnelStream,
  head: OpenHead,
  ended: boolean,
) => StreamHandlers | ResetCode;

export interface StreamRouter {
  readonly route: RouteStream;
  /** Closes the open WebSockets as going away (1001), since they do not finish by themselves; how many there were. */
  closeWebSockets(): number;
}

export function createStreamRouter({
  slice,
  pools,
  dial,
  logsStreams,
  nowMs,
}: StreamRouterOptions): StreamRouter {
  const webSockets = new Set<WebSocketExchange>();
  const route: RouteStream = (log, stream, head, ended) => {
    const known = slice.endpoints.get(head.endpoint);
    if (!known) {
      const reason = `not an endpoint of the configuration this agent runs (version ${slice.version})`;
      log.warn("stream_refused", { ...streamFields(stream), reason });
      return "endpoint_not_allowed";
    }
    const target = targetFor(known, head.fields);
    if (head.kind === "websocket" && speaksHttp2(target.protocol)) {
      const reason = `WebSockets need an endpoint of HTTP/1.1; it speaks ${target.protocol}`;
      log.warn("stream_refused", { ...streamFields(stream), reason });
      return "endpoint_protocol_error";
    }
    const startedMs = nowMs();
    const onEnded = (code?: ResetCode, detail?: string) => {
      // A cancelled stream is the client's choice and no event of this agent's.
      const failed = code !== undefined && code !== "cancelled";
      if (failed) log.warn("stream_reset", { ...streamFields(stream), code, detail });
      else if (logsStreams()) {
        const { kind, method, target: path } = head;
        const request = kind === "tcp" ? { kind } : { kind, method, path: path.split("?", 1)[0] };
        log.info("stream_ended", {
          ...streamFields(stream),
          ...request,
          durationMs: nowMs() - startedMs,
          code,
        });
      }
    };
    switch (head.kind) {
      case "http":
        if (speaksHttp2(target.protocol)) {
          return forwardHttp2(stream, target, pools.http2(target), ended, onEnded);
        }
        return !ended && announcedTrailers(head.fields) !== undefined
          ? forwardHttpTrailers(stream, pools.http1(target).agent, onEnded)
          : forwardHttp(stream, pools.http1(target).pool, ended, onEnded);
      case "websocket": {
        const exchange = new WebSocketExchange(stream, target, dial, (code, detail) => {
          webSockets.delete(exchange);
          onEnded(code, detail);
        });
        webSockets.add(exchange);
        return exchange;
      }
      case "tcp":
        return forwardTcp(stream, target, dial, onEnded);
    }
  };
  return {
    route,
    closeWebSockets() {
      for (const exchange of webSockets) exchange.goAway();
      return webSockets.size;
    },
  };
}

/** Which stream it is, in the words of the hub's log and, where the request has an id, of the access log. */
function streamFields({ id, head }: TunnelStream): LogFields {
  const requestId = head.fields.find(([name]) => name === requestIdField)?.[1].slice(0, requestIdChars);
  return { stream: id, endpoint: head.endpoint, ...(requestId !== undefined && { requestId }) };
}
