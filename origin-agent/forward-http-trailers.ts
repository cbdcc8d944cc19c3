// One HTTP/1.1 exchange with an endpoint whose request may have trailers, which undici cannot send: by Node's own client, which
// is dearer.
import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { limits } from "#contract/limits.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { Fields, OpenHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";
import type { EndpointAgent } from "./endpoint-agent.ts";
import { EndpointAnswer, type ExchangeEnded } from "./endpoint-answer.ts";
import { announcedTrailers, droppedRequestFields, endToEndFields } from "./fields.ts";

/** Starts the exchange and returns the handlers of its stream. */
export function forwardHttpTrailers(
  stream: TunnelStream,
  agent: EndpointAgent,
  onEnded: ExchangeEnded,
): StreamHandlers {
  const exchange = new TrailersExchange(stream, agent, onEnded);
  exchange.start();
  return exchange;
}

class TrailersExchange implements StreamHandlers {
  readonly #stream: TunnelStream;
  readonly #agent: EndpointAgent;
  readonly #answer: EndpointAnswer;
  #request: ClientRequest | undefined;

  constructor(stream: TunnelStream, agent: EndpointAgent, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#agent = agent;
    this.#answer = new EndpointAnswer(stream, onEnded);
  }

  start(): void {
    try {
      this.#request = this.#open();
    } catch (error) {
      // Nothing that an edge asks for ends its session.
      this.#fail("internal", error as Error);
    }
  }

  // --- from the tunnel ----------------------------------------------------------------------------------------------

  onData(chunk: Uint8Array): void {
    const request = this.#request;
    // The endpoint has answered without reading the rest: let the client finish, into nothing.
    if (this.#answer.over || !request || request.destroyed) return this.#stream.consumed(chunk.length);
    request.write(chunk, () => this.#stream.consumed(chunk.length));
  }

  onEnd(trailers: Fields): void {
    const request = this.#request;
    if (this.#answer.over || !request || request.destroyed) return;
    request.addTrailers(trailers.map(([name, value]): [string, string] => [name, value]));
    request.end();
  }

  onReset({ code }: { code: ResetCode }): void {
    this.#answer.finish(code);
    this.#request?.destroy();
  }

  onWritable(): void {
    this.#answer.writable();
  }

  // --- to and from the endpoint -------------------------------------------------------------------------------------

  #open(): ClientRequest {
    const { method, target: path } = this.#stream.head;
    const request = httpRequest({
      agent: this.#agent,
      method,
      path,
      headers: requestHeaders(this.#stream.head),
      setHost: false,
      maxHeaderSize: limits.headBytes,
    });
    request
      .on("information", ({ statusCode, rawHeaders }) => this.#answer.inform(statusCode, rawHeaders))
      .once("response", (answer) => this.#receive(answer))
      .once("upgrade", (_answer, socket) => {
        socket.destroy();
        this.#fail("endpoint_protocol_error", new Error("a switch of protocols that nobody asked for"));
      })
      .on("error", (error) => this.#broken(error));
    // The head goes at once: an answer may come before there is anything else to send.
    request.flushHeaders();
    return request;
  }

  #receive(answer: IncomingMessage): void {
    try {
      this.#answer.begin(answer.statusCode ?? 0, answer.rawHeaders, answer);
    } catch (error) {
      // Longer than a tunnel takes.
      return this.#fail("endpoint_protocol_error", error as Error);
    }
    answer
      .on("data", (chunk: Buffer) => this.#answer.data(chunk))
      .once("end", () => {
        this.#answer.end(answer.rawTrailers);
        // The connection is of no use with half a request on it.
        if (!this.#request?.writableFinished) this.#request?.destroy();
      })
      .on("error", (error) => this.#broken(error));
  }

  #broken(error: Error): void {
    const reached = this.#request?.socket ? "endpoint_reset" : connectFailure(error);
    this.#fail(systemCode(error)?.startsWith("HPE_") ? "endpoint_protocol_error" : reached, error);
  }

  #fail(code: ResetCode, error: Error): void {
    this.#answer.fail(code, error);
    this.#request?.destroy();
  }
}

/** Such a body has no length, whatever the edge says. */
const dropped: ReadonlySet<string> = new Set([...droppedRequestFields, "content-length"]);

function requestHeaders({ authority, fields }: OpenHead): string[] {
  const headers = ["host", authority];
  for (const [name, value] of endToEndFields(fields, dropped)) headers.push(name, value);
  headers.push("trailer", announcedTrailers(fields) ?? "", "transfer-encoding", "chunked");
  return headers;
}
