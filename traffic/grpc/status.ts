// Statuses of gRPC (https://grpc.io/docs/guides/status-codes/), and what stands for one in HTTP.
import type { ErrorCode } from "#contract/error.ts";
import { errorTable } from "#contract/error.ts";
import { grpcProtocolOf } from "./content-type.ts";

export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What a client makes of an HTTP status without a gRPC one (grpc/doc/http-grpc-status-mapping.md). */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 400:
      return grpcStatus.internal;
    case 401:
      return grpcStatus.unauthenticated;
    case 403:
      return grpcStatus.permissionDenied;
    case 404:
      return grpcStatus.unimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return grpcStatus.unavailable;
    default:
      return grpcStatus.unknown;
  }
}

/** What stands for a status of gRPC in HTTP (Envoy, `Grpc::Utility::grpcToHttpStatus`). */
export function httpStatusOfGrpc(status: number): number {
  return httpStatuses[status] ?? 500;
}

/** By gRPC status, 0 to 16. */
const httpStatuses = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

/** For an error of the gateway: time that is up is said as such, all else as its HTTP status. */
export function grpcStatusOfError(code: ErrorCode): number {
  if (code === "request_timeout" || code === "backend_request_timeout") return grpcStatus.deadlineExceeded;
  return grpcStatusOfHttp(errorTable[code].status);
}

/** `grpc-message`: percent-encoded UTF-8, printable ASCII but `%` as it is (PROTOCOL-HTTP2, "Status-Message"). */
export function encodeGrpcMessage(text: string): string {
  return text.replaceAll(/[^\x20-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}

/** Fields of a status, for trailers or for an answer that is nothing but them (Trailers-Only). */
export function grpcStatusFields(status: number, message: string): [name: string, value: string][] {
  return [
    ["grpc-status", String(status)],
    ["grpc-message", encodeGrpcMessage(message)],
  ];
}

/** Headers of the answer to an error, which has no body, in the protocol of the request; undefined for no gRPC. */
export function grpcErrorHeaders(
  code: ErrorCode,
  contentType: string | null | undefined,
): Record<string, string> | undefined {
  const protocol = grpcProtocolOf(contentType);
  if (!protocol) return undefined;
  const fields = grpcStatusFields(grpcStatusOfError(code), `${code}: ${errorTable[code].title}`);
  return { "content-type": `application/${protocol}`, ...Object.fromEntries(fields) };
}
