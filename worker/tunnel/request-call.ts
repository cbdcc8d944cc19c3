// A request of the data path at the Durable Object: what the hub asks of it, and the answer as a `Response`.
import type { ResponseHead } from "#contract/tunnel/head.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import type { BodyShape, Download, HttpCall } from "#hub/http-call.ts";
import { contentLength } from "#hub/http-exchange.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { failureResponse } from "./failure-response.ts";
import { headersOf, openHeadOf } from "./open-head.ts";
import { peerSocket } from "./peer-socket.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseBody } from "./response-body.ts";

export function requestCall(request: Request): HttpCall<Response> {
  const { body, signal } = request;
  const head = openHeadOf(request);
  const trailersToken = request.headers.get(internalHeaders.trailers) ?? undefined;
  return {
    head,
    hasBody: body !== null,
    trailersToken,
    gatewayProcess: request.headers.get(internalHeaders.gatewayProcess) ?? undefined,
    get aborted() {
      return signal.aborted;
    },
    onAbort: (left) => signal.addEventListener("abort", left),
    upload(stream) {
      const upload = new RequestBody(stream);
      // Its end is the stream's business; it never rejects.
      void upload.send(body!, contentLength(head.fields));
      return upload;
    },
    download: (stream) => new Answer(stream, trailersToken),
    upgrade({ status, fields }) {
      const [client, server] = Object.values(new WebSocketPair());
      const answer = new Response(null, { status, headers: headersOf(fields), webSocket: client! });
      return { answer, socket: peerSocket(server!) };
    },
    fail: failureResponse,
  };
}

class Answer extends ResponseBody implements Download<Response> {
  readonly #trailersToken: string | undefined;

  constructor(stream: TunnelStream, trailersToken: string | undefined) {
    super(stream);
    this.#trailersToken = trailersToken;
  }

  begin({ status, fields }: ResponseHead, shape: BodyShape): Response {
    const headers = headersOf(fields);
    if (shape === "none") {
      this.discard();
      return new Response(null, { status, headers });
    }
    // "manual": the endpoint's content-encoding describes bytes that pass as they are.
    const init = { status, headers, encodeBody: "manual" } as const;
    if (shape === "plain") return new Response(this.take(contentLength(fields)), init);
    headers.delete("content-length");
    headers.set(internalHeaders.trailers, this.#trailersToken!);
    return new Response(this.takeFramed(), init);
  }
}
