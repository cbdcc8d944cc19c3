// `trafficPolicy.connectionPool` → bounds of what is under way. Connections themselves are pooled by the runtime.
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import type { ConnectionPool } from "../kinds/destination-rule.ts";
import { approximated, at, ignored, type Place } from "../../kubernetes/field-notes.ts";

type CircuitBreaker = NonNullable<BackendInput["circuitBreaker"]>;

const pooled = {
  tcp: ["tcpKeepalive", "maxConnectionDuration", "idleTimeout"],
  http: [
    "maxRequestsPerConnection",
    "idleTimeout",
    "h2UpgradePolicy",
    "useClientProtocol",
    "maxConcurrentStreams",
    "http2KeepAlive",
  ],
} as const;

/** Zero means the default, which is no bound (`applyConnectionPool`). */
export function translateConnectionPool(
  { tcp = {}, http = {} }: ConnectionPool,
  isHttp: boolean,
  place: Place,
): CircuitBreaker {
  notePooled("tcp", pooled.tcp, tcp, place);
  notePooled("http", pooled.http, http, place);
  const connections = tcp.maxConnections || undefined;
  if (!isHttp) return connections === undefined ? {} : { maxConnections: connections };
  const pending = http.http1MaxPendingRequests || undefined;
  if (connections !== undefined || pending !== undefined) {
    const field = connections === undefined ? ["http", "http1MaxPendingRequests"] : ["tcp", "maxConnections"];
    const message =
      "requests do not queue for connections: as many as connections and pending ones together may be under way";
    approximated(at(place, ...field), message);
  }
  // One HTTP/1.1 connection carries one request.
  const parallel = Math.min(
    http.http2MaxRequests || Infinity,
    connections === undefined || pending === undefined ? Infinity : connections + pending,
  );
  return {
    ...(connections !== undefined && { maxConnections: connections }),
    ...(connections === undefined && pending !== undefined && { maxPendingRequests: pending }),
    ...(Number.isFinite(parallel) && { maxParallelRequests: parallel }),
    ...(http.maxRetries && { maxParallelRetries: http.maxRetries }),
  };
}

function notePooled(part: "tcp" | "http", fields: readonly string[], settings: object, place: Place): void {
  for (const field of fields) {
    if (!Object.hasOwn(settings, field)) continue;
    ignored(at(place, part, field), "the runtime pools connections its own way");
  }
}
