// What a front door reads from a client's request, over HTTP/1.1 or HTTP/2, and sends on to workerd.
import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { TLSSocket } from "node:tls";
import { forwardedTe } from "#traffic/forwarding/hop-by-hop.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { connectionFacts, type Peer } from "./connection-facts.ts";
import { forwardedHead } from "./forwarded-head.ts";

export type Incoming = IncomingMessage | Http2ServerRequest;

export interface RequestHead {
  /** Name, value, name, value, …, for workerd. */
  readonly headers: string[];
  readonly hasBody: boolean;
  /** A body follows whose length is not known. */
  readonly chunked: boolean;
  /** What an answer with trailers is marked by; absent where the client takes none. */
  readonly trailers: string | undefined;
  /** The body goes on in frames, for fields may follow it. */
  readonly framed: boolean;
}

/** Of this process: no client and no endpoint gets to see it. */
const trailersToken = randomUUID();

export interface HeadOptions {
  /** Value of `Upgrade` for a request to switch protocols. */
  readonly upgrade?: string | undefined;
  /** Where informational answers go. */
  readonly informational?: string | undefined;
}

export function requestHead(
  request: Incoming,
  peer: Peer,
  { upgrade, informational }: HeadOptions,
): RequestHead {
  const socket = request.socket as TLSSocket;
  const hasBody = upgrade === undefined && bodyFollows(request);
  const chunked = hasBody && request.headers["content-length"] === undefined;
  const trailers = upgrade === undefined && takesTrailers(request) ? trailersToken : undefined;
  const requestTrailers = chunked ? announcedTrailers(request) : undefined;
  const headers = forwardedHead(
    {
      rawHeaders: request.rawHeaders,
      authority: authorityOf(request),
      chunked,
      scheme: "encrypted" in socket ? "https" : "http",
      ...(upgrade !== undefined && { upgrade }),
    },
    connectionFacts(socket, request.httpVersion, peer, {
      ...(trailers !== undefined && { trailers }),
      ...(informational !== undefined && { informational }),
      ...(requestTrailers !== undefined && { requestTrailers }),
    }),
  );
  return { headers, hasBody, chunked, trailers, framed: requestTrailers !== undefined };
}

/**
 * A client that sends trailers should say so before (RFC 9110 §6.6.2). Those of a GET pass nowhere: workerd sends on its body
 * as it came, or not at all.
 */
function announcedTrailers({ headers, method }: Incoming): string | undefined {
  const { trailer } = headers;
  return trailer === undefined || trailer === "" || method === "GET" || method === "HEAD"
    ? undefined
    : String(trailer);
}

/** Every client of gRPC does, and should say so, but not all of them do. */
function takesTrailers({ headers }: Incoming): boolean {
  const { te } = headers;
  if (te !== undefined && forwardedTe(String(te)) === "trailers") return true;
  return grpcProtocolOf(headers["content-type"]) === "grpc";
}

function bodyFollows(request: Incoming): boolean {
  if ("stream" in request && request.httpVersionMajor === 2) return !request.stream.endAfterHeaders;
  const { headers } = request;
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"]) > 0;
}

/** RFC 9113 §8.3.1: `:authority` counts where there is one. */
function authorityOf(request: Incoming): string {
  return (request.headers[":authority"] as string | undefined) ?? request.headers.host ?? "";
}
