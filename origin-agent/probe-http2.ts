// Active checks over HTTP/2: a request whose status is judged, or a call of the gRPC health checking protocol.
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { speaksTls } from "#contract/snapshot.ts";
import { healthCheckPath, healthCheckRequest, isServing } from "#traffic/grpc/health.ts";
import { bodyTest, judgeGrpcProbe, judgeHttpProbe } from "#traffic/health/active-check.ts";
import { systemCode } from "./agent-error.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import { endpointHost } from "./endpoint-host.ts";
import type { Finish } from "./probe.ts";

/** How much of an answer is kept. */
const keptBytes = 16 * 1024;

/** The socket is the caller's to destroy once `finish` was called. */
export function probeHttp2(
  socket: Socket,
  target: SliceEndpoint,
  check: ActiveHealthCheck,
  finish: Finish,
): void {
  const scheme = speaksTls(target.protocol) ? "https" : "http";
  const authority = `${endpointHost(target.endpoint)}:${target.endpoint.port}`;
  const failed = (error: Error): void =>
    finish({ ok: false, detail: `${systemCode(error) ?? error.name}: ${error.message}` });
  const session = connect(`${scheme}://${authority}`, { createConnection: () => socket });
  session.on("error", failed);
  const stream =
    check.type === "GRPC"
      ? askHealth(session, check, finish)
      : askHttp(session, check, check.http?.hostname ?? authority, finish);
  stream.on("error", failed).once("close", () => failed(new Error("the stream was reset")));
}

function askHttp(
  session: ClientHttp2Session,
  check: ActiveHealthCheck,
  authority: string,
  finish: Finish,
): ClientHttp2Stream {
  const { method = "GET", path = "/", headers = [] } = check.http ?? {};
  const stream = session.request({
    ...Object.fromEntries(headers.map(({ name, value }) => [name.toLowerCase(), value])),
    "user-agent": "isthmus-agent",
    ":method": method,
    ":path": path,
    ":authority": authority,
  });
  stream.once("response", ({ ":status": status = 0 }) => {
    if (!bodyTest(check)) return finish(judgeHttpProbe(check, status));
    collect(stream, (body) => finish(judgeHttpProbe(check, status, body.toString("utf8"))));
  });
  return stream;
}

function askHealth(session: ClientHttp2Session, check: ActiveHealthCheck, finish: Finish): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": healthCheckPath,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "isthmus-agent",
  });
  let httpStatus = 0;
  let grpcStatus = "";
  // In the head, where there is nothing else to say; or behind the message.
  stream.once("response", ({ ":status": status = 0, "grpc-status": inHead }) => {
    httpStatus = status;
    if (inHead !== undefined) grpcStatus = String(inHead);
  });
  stream.once("trailers", ({ "grpc-status": inTrailers }) => {
    grpcStatus = String(inTrailers ?? "");
  });
  collect(stream, (body) => finish(judgeGrpcProbe(httpStatus, grpcStatus, isServing(body))));
  stream.end(healthCheckRequest(check.grpc?.service));
  return stream;
}

function collect(stream: ClientHttp2Stream, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream
    .on("data", (chunk: Buffer) => {
      if (bytes < keptBytes) chunks.push(chunk);
      bytes += chunk.length;
    })
    .once("end", () => done(Buffer.concat(chunks)));
}
