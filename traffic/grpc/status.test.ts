import { expect, test } from "vitest";
import { grpcProtocolOf } from "./content-type.ts";
import { encodeGrpcMessage, grpcStatusOfError, grpcStatusOfHttp, httpStatusOfGrpc } from "./status.ts";

test.each([
  ["application/grpc", "grpc"],
  ["application/grpc+proto", "grpc"],
  ["Application/GRPC;charset=utf-8", "grpc"],
  ["application/grpc-web", "grpc-web"],
  ["application/grpc-web+proto", "grpc-web"],
  ["application/grpc-web-text+proto", "grpc-web-text"],
  ["application/grpcx", undefined],
  ["application/grpc-websocket", undefined],
  ["application/json", undefined],
  ["", undefined],
  [null, undefined],
] as const)("content type %j is %s", (contentType, protocol) => {
  expect(grpcProtocolOf(contentType)).toBe(protocol);
});

test.each([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
  [500, 2],
  [413, 2],
  [302, 2],
])("HTTP %d stands for gRPC %d", (http, grpc) => {
  expect(grpcStatusOfHttp(http)).toBe(grpc);
});

test.each([
  [0, 200],
  [4, 504],
  [5, 404],
  [12, 501],
  [13, 500],
  [14, 503],
  [16, 401],
  [17, 500],
  [NaN, 500],
])("gRPC %d stands for HTTP %d", (grpc, http) => {
  expect(httpStatusOfGrpc(grpc)).toBe(http);
});

test("errors of the gateway: a deadline is one, the others follow their HTTP status", () => {
  expect(grpcStatusOfError("request_timeout")).toBe(4);
  expect(grpcStatusOfError("backend_request_timeout")).toBe(4);
  expect(grpcStatusOfError("route_not_found")).toBe(12);
  expect(grpcStatusOfError("tunnel_unavailable")).toBe(14);
  expect(grpcStatusOfError("rate_limited")).toBe(14);
});

test.each([
  ["plain text, with: marks!", "plain text, with: marks!"],
  ["100%", "100%25"],
  ["caf\u00e9\r\nx", "caf%C3%A9%0D%0Ax"],
  ["\u{1f600}", "%F0%9F%98%80"],
  ["\ud800", "%EF%BF%BD"],
])("message %j is sent as %j", (text, encoded) => {
  expect(encodeGrpcMessage(text)).toBe(encoded);
});
