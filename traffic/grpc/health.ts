// The gRPC health checking protocol (grpc.health.v1): one message asks, one answers, each so small that it is written and
// read here as what it is on the wire (https://protobuf.dev/programming-guides/encoding/).

export const healthCheckPath = "/grpc.health.v1.Health/Check";

const serviceTag = 0x0a; // field 1, length-delimited
const statusTag = 0x08; // field 1, varint
const serving = 1;
const frameHeaderBytes = 5;

/** `HealthCheckRequest` in its frame; a name is at most 253 bytes of ASCII. */
export function healthCheckRequest(service = ""): Uint8Array {
  const name = new TextEncoder().encode(service);
  // Lengths from 128 on take two bytes of seven bits each.
  const length = name.length < 0x80 ? [name.length] : [(name.length & 0x7f) | 0x80, name.length >> 7];
  const message = name.length === 0 ? [] : [serviceTag, ...length, ...name];
  return Uint8Array.from([0, 0, 0, message.length >> 8, message.length & 0xff, ...message]);
}

/** Whether the body of an answer says SERVING; anything that is not such an answer does not. */
export function isServing(body: Uint8Array): boolean {
  const message = body.subarray(frameHeaderBytes);
  return body[0] === 0 && body[4] === message.length && message[0] === statusTag && message[1] === serving;
}
