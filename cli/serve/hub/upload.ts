// Sends the body of a gateway's request through a stream, at the pace that the stream's window allows.
import type { IncomingMessage } from "node:http";
import type { Upload } from "#hub/http-call.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";

export class GatewayUpload implements Upload {
  readonly #request: IncomingMessage;
  readonly #stream: TunnelStream;
  /** What the stream has not taken; the request is paused meanwhile. */
  #rest: Uint8Array | undefined;
  #ended = false;
  #stopped = false;

  constructor(request: IncomingMessage, stream: TunnelStream) {
    this.#request = request;
    this.#stream = stream;
    request
      .on("data", (chunk: Buffer) => this.#send(chunk))
      .on("end", () => {
        this.#ended = true;
        this.#endIfSent();
      })
      .on("error", () => this.#broken())
      .on("close", () => {
        if (!this.#ended) this.#broken();
      });
  }

  writable(): void {
    if (this.#rest) this.#send(this.#rest);
  }

  stop(): void {
    this.#stopped = true;
    this.#rest = undefined;
    this.#request.resume();
  }

  #send(chunk: Uint8Array): void {
    if (this.#stopped) return;
    const taken = this.#stream.write(chunk);
    if (taken < chunk.length) {
      this.#rest = chunk.subarray(taken);
      this.#request.pause();
      return;
    }
    this.#rest = undefined;
    this.#endIfSent();
    if (this.#request.isPaused()) this.#request.resume();
  }

  #endIfSent(): void {
    if (this.#ended && !this.#rest && !this.#stopped) this.#stream.end();
  }

  #broken(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stream.reset("cancelled", "the client's request broke off");
  }
}
