// Trailers of a request: they come in frames of its body, wait here until the body has been read, and go on to a hub in
// frames again (decision 0020). To all stages between, mirrors and retries among them, the body is a plain one.
import { BodyFrameReader, dataFrame, trailersFrame } from "#contract/body-frames.ts";
import { allowedTrailers } from "#traffic/forwarding/request-trailers.ts";
import type { UpstreamIdentity } from "#traffic/access/upstream-identity.ts";

export class RequestTrailers {
  readonly #reader = new BodyFrameReader();
  readonly #names: Set<string>;

  /** `announced`: the client's `Trailer`. */
  constructor(announced: string) {
    this.#names = new Set(allowedTrailers(announced));
  }

  /** Fields that the gateway writes or removes in the head; the client has no word behind it. */
  withhold(names: Iterable<string>): void {
    for (const name of names) this.#names.delete(name);
  }

  /** Those that may follow, for an endpoint that gets this head. */
  announcedBehind(head: Headers, identity: UpstreamIdentity | undefined): string[] {
    const scratch = new Headers([...this.#names].map((name) => [name, ""]));
    identity?.apply(scratch);
    return [...this.#names].filter((name) => scratch.has(name) && !head.has(name));
  }

  unframe(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = this.#reader;
    return body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          for (const data of reader.read(chunk)) controller.enqueue(data);
        },
        flush() {
          if (!reader.trailers) throw new Error("the body broke off");
        },
      }),
    );
  }

  /** Once more for each attempt. `names`: see {@link announcedBehind}. */
  frame(body: ReadableStream<Uint8Array> | Uint8Array, names: readonly string[]): ReadableStream<Uint8Array> {
    const source = body instanceof ReadableStream ? body : new Blob([body]).stream();
    return source.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => controller.enqueue(dataFrame(chunk)),
        flush: (controller) => {
          const trailers = this.#reader.trailers ?? [];
          controller.enqueue(trailersFrame(trailers.filter(([name]) => names.includes(name))));
        },
      }),
    );
  }
}
