// Active checks over HTTP/2: a request whose status is judged, or a call of the gRPC health checking protocol.
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { speaksTls } from "#contract/snapshot.ts";
import { healthCheckPath, healthCheckRequest, isServing } from "#traffic/grpc/health.ts";
import { judgeGrpcProbe } from "#traffic/health/active-check.ts";
import { answerChars } from "#traffic/health/answer-test.ts";
import type { StepPlan } from "#traffic/health/check-plan.ts";
import { systemCode } from "./agent-error.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import { endpointHost } from "./endpoint-host.ts";
import type { Finish } from "./probe.ts";

/** How much of an answer is kept. */
const keptBytes = answerChars;

/** The socket is the caller's to destroy once `finish` was called. */
export function probeHttp2(
  socket: Socket,
  target: SliceEndpoint,
  { protocol, http, grpc }: StepPlan,
  finish: Finish,
): void {
  const scheme = speaksTls(protocol) ? "https" : "http";
  const authority = `${endpointHost(target.endpoint)}:${target.endpoint.port}`;
  const failed = (error: Error): void =>
    finish({ ok: false, detail: `${systemCode(error) ?? error.name}: ${error.message}` });
  const session = connect(`${scheme}://${authority}`, { createConnection: () => socket });
  session.on("error", failed);
  const stream = http ? askHttp(session, http, authority, finish) : askHealth(session, grpc?.service, finish);
  stream.on("error", failed).once("close", () => failed(new Error("the stream was reset")));
}

function askHttp(
  session: ClientHttp2Session,
  { request, test }: NonNullable<StepPlan["http"]>,
  authority: string,
  finish: Finish,
): ClientHttp2Stream {
  const { method, path, hostname, headers: own = [], body } = request;
  const stream = session.request(
    {
      ...Object.fromEntries(own.map(({ name, value }) => [name.toLowerCase(), value])),
      "user-agent": "isthmus-agent",
      ":method": method,
      ":path": path,
      ":authority": hostname ?? authority,
      ...(body !== undefined && { "content-length": Buffer.byteLength(body) }),
    },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  stream.once("response", (fields) => {
    const headers = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
    const head = { status: fields[":status"] ?? 0, headers };
    if (!test.readsBody) return finish(test.judge({ ...head, body: "" }));
    collect(stream, (bytes) =>
      finish(test.judge({ ...head, body: bytes.toString("utf8").slice(0, keptBytes) })),
    );
  });
  return stream;
}

function askHealth(
  session: ClientHttp2Session,
  service: string | undefined,
  finish: Finish,
): ClientHttp2Stream {
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
  stream.end(healthCheckRequest(service));
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
