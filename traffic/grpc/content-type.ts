// Which of the gRPC protocols a message speaks, by its content type: gRPC over HTTP/2 (PROTOCOL-HTTP2), or gRPC-Web
// (PROTOCOL-WEB) with a body in octets or in base64.

export type GrpcProtocol = "grpc" | "grpc-web" | "grpc-web-text";

const pattern = /^application\/(grpc(?:-web(?:-text)?)?)(?:\+|;|\s|$)/i;

/** Undefined for anything else. */
export function grpcProtocolOf(contentType: string | null | undefined): GrpcProtocol | undefined {
  // Nearly every message is something else; this costs it one comparison.
  if (!contentType || (contentType[12] !== "g" && contentType[12] !== "G")) return undefined;
  return pattern.exec(contentType)?.[1]?.toLowerCase() as GrpcProtocol | undefined;
}
