import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect, constants, createServer as createHttp2Server, type IncomingHttpHeaders } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { expect, test } from "vitest";
import { dataFrame, trailersFrame, trailersHeader } from "#contract/body-frames.ts";
import { passAnswer } from "./answer.ts";

const token = "token-of-the-test";

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** What a client of HTTP/2 gets when workerd answers with one frame and then ends as it should, or breaks off. */
async function passed(contentType: string, isWhole: boolean) {
  const workerd = createServer((_request, response) => {
    response.writeHead(200, { "content-type": contentType, [trailersHeader]: token });
    response.write(dataFrame(Buffer.from("hello")), () => {
      if (isWhole) response.end(trailersFrame([["grpc-status", "0"]]));
      else response.socket?.destroy();
    });
  });
  const behind = await portOf(workerd);
  const door = createHttp2Server((_request, response) => {
    request({ host: "127.0.0.1", port: behind, agent: false }, (answer) =>
      passAnswer(answer, response, token, () => undefined),
    ).end();
  });
  const session = connect(`http://127.0.0.1:${await portOf(door)}`);
  const stream = session.request({ ":path": "/" });
  let body = "";
  let trailers: IncomingHttpHeaders = {};
  stream.on("data", (chunk: Buffer) => (body += String(chunk)));
  stream.on("trailers", (fields: IncomingHttpHeaders) => (trailers = fields));
  stream.on("error", () => undefined);
  await new Promise((done) => stream.once("close", done));
  session.close();
  door.close();
  workerd.close();
  return { body, status: trailers["grpc-status"], rstCode: stream.rstCode };
}

test("trailers follow the body", async () => {
  expect(await passed("application/grpc", true)).toMatchObject({ body: "hello", status: "0" });
});

test("a call of gRPC that breaks off has a status, anything else is reset", async () => {
  expect(await passed("application/grpc+proto", false)).toMatchObject({
    body: "hello",
    status: "14",
    rstCode: constants.NGHTTP2_NO_ERROR,
  });
  expect(await passed("text/plain", false)).toMatchObject({
    body: "hello",
    status: undefined,
    rstCode: constants.NGHTTP2_INTERNAL_ERROR,
  });
});
