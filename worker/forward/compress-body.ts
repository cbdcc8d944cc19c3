// A body on its way through an encoder, piece by piece: what has been read is compressed, flushed and delivered before the next
// piece is asked for, so that no more than one of them is ever held.
import type { Encoder } from "node:zlib";

/** As much as the runtime reads at once from a connection; 4 KiB without a buffer of our own, at three times the cost. */
const pieceBytes = 64 * 1024;

/** `onEnd` is called exactly once: at the body's end, or when either side breaks off. */
export function compressBody(
  body: ReadableStream<Uint8Array>,
  encoder: Encoder,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const { read, cancel } = readerOf(body);
  let ended = false;
  const end = (): void => {
    if (ended) return;
    ended = true;
    encoder.close();
    onEnd();
  };
  const source: UnderlyingSource<Uint8Array> = {
    start(controller: ReadableStreamDefaultController<Uint8Array>) {
      encoder.on("data", (bytes) => {
        if (!ended) controller.enqueue(bytes);
      });
      // Told to whoever waits; without a listener it would be thrown as well.
      encoder.on("error", () => undefined);
    },
    pull: async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      try {
        const piece = await read();
        if (piece) return await passThrough(encoder, piece);
        await finish(encoder);
      } catch (error) {
        end();
        throw error;
      }
      end();
      controller.close();
    },
    cancel: (reason: unknown) => {
      end();
      return cancel(reason);
    },
  };
  return new ReadableStream(source, { highWaterMark: 0 });
}

interface PieceReader {
  /** Never empty; `undefined` at the end. */
  read(): Promise<Uint8Array | undefined>;
  cancel(reason: unknown): Promise<void>;
}

function readerOf(body: ReadableStream<Uint8Array>): PieceReader {
  try {
    return readInto(body.getReader({ mode: "byob" }));
  } catch {
    // A hub's answer is a stream of frames, which come as they are.
    return readChunks(body.getReader());
  }
}

function readInto(reader: ReadableStreamBYOBReader): PieceReader {
  let buffer = new ArrayBuffer(pieceBytes);
  return {
    async read() {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done) return undefined;
      // Its bytes have been compressed by the time of the next call.
      buffer = value.buffer as ArrayBuffer;
      return value;
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

function readChunks(reader: ReadableStreamDefaultReader<Uint8Array>): PieceReader {
  return {
    async read() {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        if (value.length > 0) return value;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** Resolves once all of the piece has come out again. */
async function passThrough(encoder: Encoder, piece: Uint8Array): Promise<void> {
  // A listener may be called after `written` is.
  const arrived = new Promise<void>((resolve) => encoder.once("data", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    encoder.write(piece, (error) => (error ? reject(error) : resolve()));
  });
  await arrived;
}

function finish(encoder: Encoder): Promise<void> {
  return new Promise((resolve, reject) => {
    encoder.once("error", reject);
    encoder.once("end", resolve);
    encoder.end();
  });
}
