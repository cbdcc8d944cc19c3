// `appProtocol` of a Service's port: what its endpoints speak (GEP-1911, KEP-3726).
import type { BackendInput } from "../kubernetes/model-parts.ts";

/** Kubernetes' own names, IANA's that mean HTTP, and those that meshes use. */
const protocols: Readonly<Record<string, NonNullable<BackendInput["protocol"]>>> = {
  http: "HTTP",
  "grpc-web": "HTTP",
  "kubernetes.io/ws": "HTTP",
  "kubernetes.io/h2c": "H2C",
  h2c: "H2C",
  http2: "H2C",
  grpc: "H2C",
  https: "HTTPS",
  "kubernetes.io/wss": "HTTPS",
};

/** Undefined: no protocol of requests that is known here. A port that says nothing speaks HTTP. */
export function protocolOf(appProtocol = "http"): NonNullable<BackendInput["protocol"]> | undefined {
  return Object.hasOwn(protocols, appProtocol) ? protocols[appProtocol] : undefined;
}
