// From the reason a stream failed to the error that the gateway answers with.
import type { ErrorCode } from "#contract/error.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";

const errorByReset: Record<ResetCode, ErrorCode> = {
  cancelled: "tunnel_reset",
  refused: "tunnel_unavailable",
  endpoint_not_allowed: "tunnel_refused",
  connect_failed: "endpoint_connect_failed",
  endpoint_reset: "endpoint_reset",
  endpoint_protocol_error: "endpoint_protocol_error",
  timeout: "backend_request_timeout",
  flow_control: "tunnel_reset",
  stream_state: "tunnel_reset",
  message_too_large: "endpoint_protocol_error",
  internal: "tunnel_reset",
  connection_lost: "tunnel_reset",
  certificate_mismatch: "endpoint_certificate_mismatch",
  certificate_untrusted: "endpoint_certificate_untrusted",
  certificate_expired: "endpoint_certificate_expired",
  tls_failed: "endpoint_tls_failed",
};

/** What a hub answers when no endpoint did. */
export interface TunnelFailure {
  readonly code: ErrorCode;
  /** Nothing of the request can have reached an endpoint. */
  readonly safe: boolean;
}

export function failureOf(reset: { readonly code: ResetCode; readonly safe: boolean }): TunnelFailure {
  return { code: errorByReset[reset.code], safe: reset.safe };
}
