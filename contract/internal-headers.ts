// Headers between our own programs. Whoever takes a request from a stranger removes or overwrites all of them.
import { trailersHeader } from "./body-frames.ts";

export const internalHeaders = {
  /** What a request to a hub is: `stream` (data path), `connect` (an agent's WebSocket), `forward` (a forwarder's). Absent: a call of the region. */
  operation: "isthmus-operation",
  /** Key of the endpoint that the data path wants (`endpointKey`). */
  endpoint: "isthmus-endpoint",
  /** Client certificate of the TLS connection as the transport verified it: base64 of DER. */
  transportCertificate: "isthmus-transport-certificate",
  /** Who forwards a port, and to which backend: JSON, percent-encoded. */
  forwarder: "isthmus-forwarder",
  /** On a request for a WebSocket: the run of the gateway process that the client is connected to. */
  gatewayProcess: "isthmus-gateway-process",
  /** Object that a request is for, on its way through `STATE`. */
  object: "isthmus-object",
  /** On a 599 answer of a hub: the `ErrorCode`. */
  tunnelError: "isthmus-tunnel-error",
  /** On a request to a hub: the token of a front door whose client takes trailers. On the answer: its body is in frames. */
  trailers: trailersHeader,
  /** On a request to a hub: where its informational answers go (`contract/informational.ts`). */
  informational: "isthmus-informational",
  /** On a 599 answer: `1` when nothing of the request can have reached an endpoint. */
  tunnelErrorSafe: "isthmus-tunnel-error-safe",
} as const;

const names: ReadonlySet<string> = new Set(Object.values(internalHeaders));

/** True for a header that never leaves our own programs; `name` in lower case. */
export function isInternalHeader(name: string): boolean {
  return name.startsWith("isthmus-") && names.has(name);
}

/** Status of a hub's answer that is an error of the tunnel; no endpoint can produce it with our headers on it. */
export const tunnelErrorStatus = 599;
