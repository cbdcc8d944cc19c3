// Heads of streams: what is asked (OPEN), what is answered (HEAD) and what comes after the body (TRAILERS).
// On the wire a head is a table of lengths followed by all of its text, so both ends convert the text in one go.

/** Header fields in order; names lower case; a name may occur several times (`set-cookie`). One UTF-16 unit = one octet (latin-1). */
export type Fields = readonly (readonly [name: string, value: string])[];

export type StreamKind = "http" | "websocket" | "tcp";

/** Asks the other side to reach an endpoint. */
export interface OpenHead {
  readonly kind: StreamKind;
  /** Key of the endpoint to dial (`endpointKey`: `<backend>|<endpoint id>`). */
  readonly endpoint: string;
  /** Empty for `tcp`. */
  readonly method: string;
  /** `http` or `https`: what the client used; the endpoint's own protocol is in the tunnel's configuration. */
  readonly scheme: string;
  /** The client's Host, kept as it was. */
  readonly authority: string;
  /** Origin form: path and query. */
  readonly target: string;
  readonly fields: Fields;
}

/** Answers a stream of kind `http` or `websocket`; for `tcp` status 200 and no fields says that the endpoint is connected. */
export interface ResponseHead {
  /** 100–199 (but 101): an informational head, another head follows. 101: the WebSocket is open. */
  readonly status: number;
  readonly fields: Fields;
}
