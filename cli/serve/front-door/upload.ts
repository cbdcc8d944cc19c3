// Uploads that the gateway answers before it has read them (no route, too large, not allowed): the answer must reach the
// client, although workerd closes the connection on the rest of the upload, which must not keep the client's.
import { Agent, type IncomingMessage } from "node:http";
import { constants, type Http2ServerRequest } from "node:http2";
import { Socket } from "node:net";
import { systemCode } from "../../command-error.ts";

/** Time for a client to notice the answer before its connection is closed on it. */
export const graceMs = 1_000;

/** Called when the answer is complete: if the upload is not, nobody will read the rest. */
export function endUpload(request: IncomingMessage | Http2ServerRequest): void {
  if ("stream" in request) {
    // RFC 9113 §8.1: a complete response, then RST_STREAM with NO_ERROR.
    const { stream, readableEnded } = request;
    if (!readableEnded && !stream.endAfterHeaders && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  if (request.complete) return;
  const { socket } = request;
  request.unpipe();
  request.resume();
  setTimeout(() => socket.destroy(), graceMs).unref();
}

type WriteDone = (error?: Error | null) => void;

/**
 * A socket that reads on after a write has failed: Node destroys it on EPIPE, also when the answer that explains it has
 * arrived and only waits to be read. What cannot be written is dropped; without an answer, the end of the stream is the
 * error.
 */
class UploadSocket extends Socket {
  #isDeaf = false;

  override _write(data: unknown, encoding: BufferEncoding, done: WriteDone): void {
    if (this.#isDeaf) return done();
    super._write(data, encoding, this.#forgiving(done));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], done: WriteDone): void {
    if (this.#isDeaf) return done();
    super._writev!(chunks, this.#forgiving(done));
  }

  #forgiving(done: WriteDone): WriteDone {
    return (error) => {
      const code = systemCode(error);
      if (code !== "EPIPE" && code !== "ECONNRESET") return done(error);
      this.#isDeaf = true;
      done();
    };
  }
}

/** Connects to Unix sockets with {@link UploadSocket}. */
export class UploadAgent extends Agent {
  override createConnection(options: { socketPath?: string }): Socket {
    return new UploadSocket().connect({ path: options.socketPath ?? "" });
  }
}

/** Asks for connections to be kept, and uses each once: Node takes `maxFreeSockets: 0` for no word on it. */
export class SingleUseAgent extends UploadAgent {
  override keepSocketAlive(): boolean {
    return false;
  }
}
