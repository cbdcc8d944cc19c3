// Keeps a copy of a request's body while it passes, for a second use; never more than a bound, never ahead of it.

export interface CopiedBody {
  readonly body: ReadableStream<Uint8Array>;
  /** All of the body once it has passed; undefined when it was longer than the bound. Pending when it broke off. */
  readonly whole: Promise<Uint8Array | undefined>;
}

/** `contentLength`: of the request, so that the endpoint is told it, too. */
export function copyBody(
  source: ReadableStream<Uint8Array>,
  contentLength: number | undefined,
  maxBytes: number,
): CopiedBody {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
  const copier = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes <= maxBytes) chunks.push(chunk.slice());
      else chunks = [];
      controller.enqueue(chunk);
    },
    flush() {
      resolve(bytes <= maxBytes ? joined(chunks, bytes) : undefined);
    },
  });
  const passed = source.pipeThrough(copier);
  return {
    body: contentLength === undefined ? passed : passed.pipeThrough(new FixedLengthStream(contentLength)),
    whole: promise,
  };
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return whole;
}

/** Length that a request says its body has; undefined when it says none. */
export function contentLengthOf(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  return length !== null && /^[0-9]{1,15}$/.test(length) ? Number(length) : undefined;
}
