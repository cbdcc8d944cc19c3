// A call of gRPC with one message each way, spoken as gRPC-Web (PROTOCOL-WEB): its status is in the body, where every
// runtime can read it.
import { grpcStatus } from "./status.ts";

export const unaryContentType = "application/grpc-web+proto";

const trailersFlag = 0x80;
const frameHeaderBytes = 5;

/** The body of the call. */
export function messageFrame(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(frameHeaderBytes + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, frameHeaderBytes);
  return frame;
}

/** What the server has answered. `headStatus`: `grpc-status` of the answer's head. Throws where it is no answer to use. */
export function readUnaryAnswer(headStatus: string | null, body: Uint8Array): Uint8Array {
  let status = headStatus ?? undefined;
  let message: Uint8Array | undefined;
  for (const [flags, content] of framesOf(body)) {
    if (flags === trailersFlag) status = statusOf(content) ?? status;
    else if (flags !== 0 || message) throw new Error("the answer is not one plain message");
    else message = content;
  }
  if (Number(status ?? grpcStatus.unknown) !== grpcStatus.ok)
    throw new Error(`grpc-status ${status ?? "missing"}`);
  if (!message) throw new Error("the answer has no message");
  return message;
}

function* framesOf(body: Uint8Array): Generator<[flags: number, content: Uint8Array]> {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let offset = 0; offset < body.length;) {
    const start = offset + frameHeaderBytes;
    const end = start <= body.length ? start + view.getUint32(offset + 1) : Infinity;
    if (end > body.length) throw new Error("the answer is cut short");
    yield [view.getUint8(offset), body.subarray(start, end)];
    offset = end;
  }
}

function statusOf(trailers: Uint8Array): string | undefined {
  return /^grpc-status:\s*(\d+)/im.exec(new TextDecoder().decode(trailers))?.[1];
}
