// The closed lists of reasons: why a stream is reset, why a connection is closed, and the error that carries one.

interface ResetEntry {
  /** Number on the wire (RESET frame). */
  readonly number: number;
  /** True: nothing of the request can have reached an endpoint, so another attempt is safe for any method. */
  readonly safe: boolean;
  readonly meaning: string;
}

const reset = (number: number, safe: boolean, meaning: string): ResetEntry => ({ number, safe, meaning });

export const resetTable = {
  cancelled: reset(1, false, "The side that asked no longer wants the answer."),
  refused: reset(
    2,
    true,
    "The stream was not taken up: stream limit, draining, or a kind that is not served.",
  ),
  endpoint_not_allowed: reset(3, true, "The agent may not dial this endpoint."),
  connect_failed: reset(4, true, "The endpoint could not be reached."),
  endpoint_reset: reset(5, false, "The endpoint closed the connection before the answer was complete."),
  endpoint_protocol_error: reset(6, false, "The endpoint's answer was not valid."),
  timeout: reset(7, false, "The endpoint did not answer in time."),
  flow_control: reset(8, false, "More bytes arrived than the stream's window allowed."),
  stream_state: reset(9, false, "A frame arrived that the state of the stream does not allow."),
  message_too_large: reset(10, false, "A WebSocket message is longer than the receiver takes."),
  internal: reset(11, false, "The side that reset the stream failed; its log has the cause."),
  connection_lost: reset(12, false, "The connection ended. Never sent: what each end tells its own streams."),
  certificate_mismatch: reset(13, true, "The endpoint's certificate is for other names."),
  certificate_untrusted: reset(
    14,
    true,
    "No authority that is trusted vouches for the endpoint's certificate.",
  ),
  certificate_expired: reset(15, true, "The endpoint's certificate has expired, or is not valid yet."),
  tls_failed: reset(16, true, "The endpoint and the agent could not agree on TLS."),
} as const satisfies Record<string, ResetEntry>;

export type ResetCode = keyof typeof resetTable;

const resetByNumber = new Map<number, ResetCode>(
  Object.entries(resetTable).map(([code, { number }]) => [number, code as ResetCode]),
);

/** Code of a number on the wire; a number that this version does not know reads as `internal`. */
export function resetCodeOf(number: number): ResetCode {
  return resetByNumber.get(number) ?? "internal";
}

interface CloseEntry {
  /** WebSocket close code; the GO_AWAY frame carries the same number. */
  readonly number: number;
  readonly meaning: string;
}

const close = (number: number, meaning: string): CloseEntry => ({ number, meaning });

export const closeTable = {
  normal: close(1000, "All streams are finished."),
  protocol_error: close(4400, "A frame that is malformed, of an unknown critical type, or out of place."),
  unauthenticated: close(4401, "The handshake was refused; the REFUSED frame has the reason."),
  revoked: close(4403, "The certificate of this connection was revoked or no root vouches for it any more."),
  timeout: close(4408, "The other side was silent for too long."),
  draining: close(4410, "This side is going away: open new streams elsewhere, let the open ones finish."),
  too_large: close(4413, "A declared length beyond the receiver's limit."),
  flow_control: close(4414, "More bytes arrived than the connection's window allowed."),
  version_unsupported: close(4426, "The two sides have no protocol version in common."),
  flood: close(4429, "Too many connections, pings, refused streams or resets."),
  internal: close(4500, "The side that closed the connection failed; its log has the cause."),
  unavailable: close(4503, "The hub cannot check certificates yet; try again later."),
} as const satisfies Record<string, CloseEntry>;

export type CloseCode = keyof typeof closeTable;

const closeByNumber = new Map<number, CloseCode>(
  Object.entries(closeTable).map(([code, { number }]) => [number, code as CloseCode]),
);

/** Code of a number on the wire; a number that this version does not know reads as `internal`. */
export function closeCodeOf(number: number): CloseCode {
  return closeByNumber.get(number) ?? "internal";
}

/** The other side broke the protocol; the connection is closed with `code`. */
export class TunnelProtocolError extends Error {
  override readonly name = "TunnelProtocolError";
  readonly code: CloseCode;

  constructor(code: CloseCode, message: string) {
    super(message);
    this.code = code;
  }
}
