// A request of the data path in the terms of the runtime that it came by. `A` is what its answer is there.
import type { Fields, OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import type { PeerSocket } from "./peer-socket.ts";
import type { TunnelFailure } from "./tunnel-failure.ts";

export interface HttpCall<A> {
  /** What the agent is asked for. */
  readonly head: OpenHead;
  readonly hasBody: boolean;
  /** Token of a front door whose client takes trailers (decision 0012). */
  readonly trailersToken: string | undefined;
  /**
   * Passes an informational answer on; settles when the client gets it before all that follows, or not at all. Never rejects.
   * Absent: there is no way to a client that takes any.
   */
  inform?(head: ResponseHead): Promise<void>;
  /** The gateway process that the client is connected to, where it asks for a WebSocket. */
  readonly gatewayProcess: string | undefined;
  /** The client has left. */
  readonly aborted: boolean;
  onAbort(left: () => void): void;
  /** Sends the body through a stream, whose business its end is. Called once. */
  upload(stream: UploadStream): Upload;
  /** For the answer of a stream; a further attempt gets one of its own. */
  download(stream: TunnelStream): Download<A>;
  /** Answers a request for a WebSocket with 101. Throws for a head that HTTP does not allow. */
  upgrade(head: ResponseHead): { readonly answer: A; readonly socket: PeerSocket };
  /** Answers that there is none of an endpoint. */
  fail(failure: TunnelFailure): A;
}

/** What an upload needs of a stream. */
export type UploadStream = Pick<TunnelStream, "write" | "end" | "reset">;

export interface Upload {
  /** The stream takes more. */
  writable(): void;
  /** Nobody takes the rest. */
  stop(): void;
}

/** `none`: whatever comes is thrown away. `framed`: with trailers behind the body (`contract/body-frames.ts`). */
export type BodyShape = "none" | "plain" | "framed";

/** An answer with its body. What comes before the answer has begun waits, within the stream's window. */
export interface Download<A> {
  /** False when the body is complete, and has no trailers. */
  readonly mayHaveTrailers: boolean;
  /** Throws for a head that HTTP does not allow. */
  begin(head: ResponseHead, shape: BodyShape): A;
  data(chunk: Uint8Array): void;
  end(trailers: Fields): void;
  /** The body breaks off. Before the answer has begun nobody is told. */
  fail(reason: string): void;
}
