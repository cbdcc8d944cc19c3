// Which backends without a tunnel the Workers runtime cannot dial, so that an agent has to (decision 0013).
import { isLayer4, ownTunnel, speaksHttp2 } from "#contract/snapshot.ts";
import type { NativeBackend } from "./native/schema.ts";

/** What of the backend is beyond the runtime; undefined for one that it dials, or that has a tunnel. */
export function beyondRuntime({ tunnel, protocol, tls, proxyProtocol }: NativeBackend): string | undefined {
  if (tunnel !== undefined) return undefined;
  if (proxyProtocol && !isLayer4({ protocol })) return "begins connections with the PROXY protocol";
  if (speaksHttp2(protocol)) return `speaks ${protocol}, over HTTP/2`;
  return tls === undefined ? undefined : "has TLS settings of its own";
}

/** The tunnel that a backend is compiled with under `isthmus serve`. */
export function tunnelOf(backend: NativeBackend): string | undefined {
  return beyondRuntime(backend) === undefined ? backend.tunnel : ownTunnel;
}
