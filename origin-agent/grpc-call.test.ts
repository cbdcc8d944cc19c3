import { constants } from "node:http2";
import { expect, test } from "vitest";
import { GrpcCall } from "./grpc-call.ts";

const call = (fields: [string, string][]) => new GrpcCall(fields, "GRPC", () => undefined);

test.each([
  [constants.NGHTTP2_CANCEL, 1],
  [constants.NGHTTP2_INTERNAL_ERROR, 13],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
  [constants.NGHTTP2_INADEQUATE_SECURITY, 7],
  [constants.NGHTTP2_NO_ERROR, 14],
  [undefined, 14],
])("a reset with %s is status %d", (code, status) => {
  const [found, message] = call([["content-type", "application/grpc"]]).statusOfReset(code, new Error("x"));
  expect(found).toBe(status);
  expect(message).toBe("the endpoint broke off: x");
});

test("only gRPC and, for endpoints that speak gRPC alone, gRPC-Web is a call", () => {
  const isCall = (type: string, protocol: "GRPC" | "H2C") =>
    new GrpcCall([["content-type", type]], protocol, () => undefined).isGrpc;
  expect(isCall("application/grpc", "H2C")).toBe(true);
  expect(isCall("application/grpc-web", "GRPC")).toBe(true);
  expect(isCall("application/grpc-web", "H2C")).toBe(false);
  expect(isCall("text/plain", "GRPC")).toBe(false);
});

test("a deadline longer than a timer can hold is none", () => {
  const late: number[] = [];
  const fields: [string, string][] = [
    ["content-type", "application/grpc"],
    ["grpc-timeout", "99999999H"],
  ];
  new GrpcCall(fields, "GRPC", (status) => late.push(status)).close();
  expect(late).toEqual([]);
});
