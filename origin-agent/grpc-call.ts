// What a request that is gRPC needs beyond HTTP/2: its deadline, statuses in place of resets, and the translation of
// gRPC-Web for endpoints that speak gRPC. For any other request it does nothing.
import { constants } from "node:http2";
import type { BackendProtocol } from "#contract/snapshot.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { grpcProtocolOf } from "#traffic/grpc/content-type.ts";
import { grpcStatus, grpcStatusFields } from "#traffic/grpc/status.ts";
import { parseGrpcTimeout } from "#traffic/grpc/timeout.ts";
import {
  type GrpcWebCodec,
  grpcRequestFields,
  grpcWebCodecOf,
  grpcWebResponseFields,
} from "#traffic/grpc/web.ts";

/** Longest time that a timer holds; more than that is no deadline. */
const maxTimerMs = 2 ** 31 - 1;

export class GrpcCall {
  readonly isGrpc: boolean;
  readonly #requestFields: Fields;
  readonly #contentType: string | undefined;
  readonly #web: GrpcWebCodec | undefined;
  #deadline: NodeJS.Timeout | undefined;

  /** `onDeadline` runs when the time that the client set is up. */
  constructor(
    requestFields: Fields,
    protocol: BackendProtocol,
    onDeadline: (status: number, message: string) => void,
  ) {
    const translates = protocol === "GRPC" || protocol === "GRPCS";
    this.#requestFields = requestFields;
    this.#contentType = valueOf(requestFields, "content-type");
    this.#web = translates ? grpcWebCodecOf(requestFields) : undefined;
    this.isGrpc = this.#web !== undefined || grpcProtocolOf(this.#contentType) === "grpc";
    const timeoutMs = this.isGrpc ? parseGrpcTimeout(valueOf(requestFields, "grpc-timeout")) : undefined;
    if (timeoutMs === undefined || timeoutMs > maxTimerMs) return;
    const late = (): void => onDeadline(grpcStatus.deadlineExceeded, "deadline exceeded");
    this.#deadline = setTimeout(late, timeoutMs);
  }

  close(): void {
    clearTimeout(this.#deadline);
  }

  requestFields(fields: Fields): Fields {
    return this.#web ? grpcRequestFields(fields) : fields;
  }

  /** Throws for a body that is no gRPC-Web. */
  decodeRequest(chunk: Uint8Array): Uint8Array {
    return this.#web?.decode(chunk) ?? chunk;
  }

  responseFields(fields: Fields): Fields {
    return this.#web ? grpcWebResponseFields(fields, this.#requestFields) : fields;
  }

  encodeResponse(chunk: Uint8Array): Uint8Array {
    return this.#web?.encode(chunk) ?? chunk;
  }

  /** The end of an answer with these trailers: what follows in its body, and the trailers that are left. */
  end(trailers: Fields): { readonly body?: Uint8Array; readonly trailers: Fields } {
    return this.#web ? { body: this.#web.encodeTrailers(trailers), trailers: [] } : { trailers };
  }

  statusFields(status: number, message: string): Fields {
    return grpcStatusFields(status, message);
  }

  /** The head of an answer that is nothing but a status. */
  statusHead(status: Fields): Fields {
    return [["content-type", this.#contentType ?? "application/grpc"], ...status];
  }

  /** What a client would make of the endpoint's RST_STREAM (PROTOCOL-HTTP2, "Errors"). */
  statusOfReset(code: number | undefined, { message }: Error): [status: number, message: string] {
    const status = code === undefined ? undefined : statusByReset.get(code);
    return [status ?? grpcStatus.unavailable, `the endpoint broke off: ${message}`];
  }
}

const statusByReset: ReadonlyMap<number, number> = new Map([
  [constants.NGHTTP2_PROTOCOL_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_INTERNAL_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, grpcStatus.internal],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_COMPRESSION_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_CONNECT_ERROR, grpcStatus.internal],
  [constants.NGHTTP2_CANCEL, grpcStatus.cancelled],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, grpcStatus.resourceExhausted],
  [constants.NGHTTP2_INADEQUATE_SECURITY, grpcStatus.permissionDenied],
]);

function valueOf(fields: Fields, name: string): string | undefined {
  return fields.find(([field]) => field === name)?.[1];
}
