// The closed list of errors the gateway answers itself, and the one table that turns a code into a response. Those of
// connections (`connection_…`) are for logs and counters: there is nobody to answer.
// `proxyStatus` is the matching error type of RFC 9209 §2.3.

/** Who is at fault: what the client sent, what a backend did, or the gateway itself. */
export type ErrorSource = "client" | "backend" | "gateway";

interface ErrorEntry {
  readonly status: number;
  readonly source: ErrorSource;
  /** RFC 9209 error type. */
  readonly proxyStatus: string;
  /** One sentence for the person who reads the response. */
  readonly title: string;
}

const entry = (status: number, source: ErrorSource, proxyStatus: string, title: string): ErrorEntry => ({
  status,
  source,
  proxyStatus,
  title,
});

export const errorTable = {
  host_malformed: entry(400, "client", "http_request_error", "The Host of the request is not a host name."),
  path_malformed: entry(400, "client", "http_request_error", "The path of the request is not well formed."),
  uri_too_long: entry(
    414,
    "client",
    "http_request_error",
    "The request target is longer than the gateway accepts.",
  ),
  head_too_large: entry(
    431,
    "client",
    "http_request_error",
    "The headers of the request are longer than the gateway accepts.",
  ),
  route_not_found: entry(404, "client", "destination_not_found", "No route matches this request."),
  misdirected_request: entry(
    421,
    "client",
    "http_request_error",
    "The connection was opened for another server name, whose listener does not serve this host.",
  ),
  backend_invalid: entry(
    500,
    "gateway",
    "proxy_configuration_error",
    "The route refers to a backend that does not exist.",
  ),
  backend_none: entry(500, "gateway", "proxy_configuration_error", "The rule has no backend with weight."),
  no_endpoint: entry(503, "backend", "destination_unavailable", "The backend has no endpoints."),
  no_healthy_endpoint: entry(
    503,
    "backend",
    "destination_unavailable",
    "No endpoint of the backend is healthy.",
  ),
  endpoint_connect_failed: entry(502, "backend", "connection_refused", "The endpoint could not be reached."),
  endpoint_connect_timeout: entry(
    504,
    "backend",
    "connection_timeout",
    "The endpoint took no connection in the time that its backend allows.",
  ),
  endpoint_certificate_mismatch: entry(
    502,
    "backend",
    "tls_certificate_error",
    "The endpoint's certificate is for other names.",
  ),
  endpoint_certificate_untrusted: entry(
    502,
    "backend",
    "tls_certificate_error",
    "No authority that the backend trusts vouches for the endpoint's certificate.",
  ),
  endpoint_certificate_expired: entry(
    502,
    "backend",
    "tls_certificate_error",
    "The endpoint's certificate has expired, or is not valid yet.",
  ),
  endpoint_tls_failed: entry(
    502,
    "backend",
    "tls_protocol_error",
    "The endpoint could not be agreed with on TLS.",
  ),
  endpoint_reset: entry(
    502,
    "backend",
    "connection_terminated",
    "The endpoint closed the connection before it answered.",
  ),
  endpoint_protocol_error: entry(
    502,
    "backend",
    "http_protocol_error",
    "The endpoint's answer was not valid HTTP.",
  ),
  tunnel_unavailable: entry(
    503,
    "backend",
    "destination_unavailable",
    "No agent of the tunnel is connected.",
  ),
  tunnel_reset: entry(
    502,
    "backend",
    "connection_terminated",
    "The tunnel broke before the endpoint answered.",
  ),
  tunnel_refused: entry(
    502,
    "gateway",
    "destination_ip_prohibited",
    "The agent is not allowed to dial this endpoint.",
  ),
  request_timeout: entry(
    504,
    "backend",
    "http_response_timeout",
    "The request took longer than the route allows.",
  ),
  backend_request_timeout: entry(
    504,
    "backend",
    "http_response_timeout",
    "The endpoint took longer than the route allows.",
  ),
  circuit_open: entry(
    503,
    "backend",
    "connection_limit_reached",
    "The backend has as many requests under way as it may.",
  ),
  queue_timeout: entry(
    503,
    "backend",
    "connection_limit_reached",
    "No endpoint of the backend had room for the request in the time that it may wait.",
  ),
  load_shed: entry(
    503,
    "backend",
    "connection_limit_reached",
    "The backend is saturated, and this request has a lower priority than others.",
  ),
  unauthorized: entry(
    401,
    "client",
    "http_request_denied",
    "The request needs credentials that the route accepts.",
  ),
  client_certificate_missing: entry(
    400,
    "client",
    "http_request_denied",
    "No required client certificate was sent.",
  ),
  client_certificate_invalid: entry(
    400,
    "client",
    "http_request_denied",
    "The client certificate is not valid.",
  ),
  forbidden: entry(403, "client", "http_request_denied", "The route does not allow this request."),
  request_too_large: entry(
    413,
    "client",
    "http_request_error",
    "The body of the request is longer than the route accepts.",
  ),
  request_incomplete: entry(
    400,
    "client",
    "http_request_error",
    "The body of the request is malformed, or broke off.",
  ),
  request_receive_timeout: entry(
    408,
    "client",
    "http_request_error",
    "The request took longer to arrive than the listener allows.",
  ),
  auth_unavailable: entry(
    503,
    "gateway",
    "proxy_internal_error",
    "It could not be checked whether the request is allowed.",
  ),
  rate_limited: entry(
    429,
    "client",
    "http_request_denied",
    "The client has used up a quota; RateLimit and Retry-After say for how long.",
  ),
  concurrency_limited: entry(
    429,
    "client",
    "http_request_denied",
    "The client has as many requests under way as it may.",
  ),
  rate_limiter_unavailable: entry(
    503,
    "gateway",
    "proxy_internal_error",
    "The quota could not be checked, and the route refuses requests in that case.",
  ),
  statistics_unavailable: entry(
    503,
    "gateway",
    "destination_unavailable",
    "The control, which has the statistics, cannot be reached.",
  ),
  connection_start_malformed: entry(
    400,
    "client",
    "tls_protocol_error",
    "The connection does not begin as its listener expects.",
  ),
  connection_start_timeout: entry(
    408,
    "client",
    "connection_timeout",
    "The connection did not begin in time.",
  ),
  connection_limited: entry(
    429,
    "client",
    "connection_limit_reached",
    "The listener takes no more connections, or none of this client.",
  ),
  connection_idle: entry(
    504,
    "client",
    "connection_timeout",
    "No byte has passed for as long as the route allows.",
  ),
  connection_reset: entry(
    502,
    "backend",
    "connection_terminated",
    "The client or the endpoint broke the connection off.",
  ),
  endpoint_down: entry(
    503,
    "backend",
    "connection_terminated",
    "The endpoint went down, and its connections were closed.",
  ),
  config_unavailable: entry(
    503,
    "gateway",
    "proxy_configuration_error",
    "The gateway has no configuration yet.",
  ),
  internal: entry(500, "gateway", "proxy_internal_error", "The gateway failed; the log has the cause."),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

/** There was no connection to the endpoint, for whatever reason: another endpoint may do better. */
export const connectFailures: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "endpoint_connect_failed",
  "endpoint_connect_timeout",
  "endpoint_certificate_mismatch",
  "endpoint_certificate_untrusted",
  "endpoint_certificate_expired",
  "endpoint_tls_failed",
]);

/** Response header that carries the {@link ErrorCode} of every response the gateway makes itself for an error. */
export const errorCodeHeader = "isthmus-error";

/** Additions to the response of an error. */
export interface ErrorAnswer {
  /** In place of the code's. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Members of the problem document, in place of those that the code implies. */
  readonly problem?: Readonly<Record<string, unknown>>;
}

export interface GatewayErrorOptions {
  readonly retrySafe?: boolean;
  readonly cause?: unknown;
  readonly answer?: ErrorAnswer;
}

/** The one error type of the data path. `detail` is for the log, never for the client. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  /** True while nothing of the request can have reached an endpoint, so another attempt is safe for any method. */
  readonly retrySafe: boolean;
  /** What the response says beyond what the code implies. */
  readonly answer: ErrorAnswer | undefined;

  constructor(code: ErrorCode, detail?: string, options: GatewayErrorOptions = {}) {
    super(
      detail ?? errorTable[code].title,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.retrySafe = options.retrySafe ?? false;
    this.answer = options.answer;
  }

  get status(): number {
    return this.answer?.status ?? errorTable[this.code].status;
  }

  get source(): ErrorSource {
    return errorTable[this.code].source;
  }
}

/** RFC 9457 problem document of a code. */
export function problem(code: ErrorCode): { type: string; title: string; status: number; code: ErrorCode } {
  const { status, title } = errorTable[code];
  return { type: `urn:isthmus:error:${code}`, title, status, code };
}
