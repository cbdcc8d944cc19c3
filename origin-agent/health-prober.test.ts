import { expect, test } from "vitest";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import type { EdgeEvent, FakeEdge } from "./testing/fake-edge.ts";
import { closedPort, startHttp2Pod, startPod, startRawPod } from "./testing/pod.ts";

const httpCheck: ActiveHealthCheck = {
  type: "HTTP",
  intervalMs: 20,
  timeoutMs: 1_000,
  unhealthyThreshold: 2,
  healthyThreshold: 2,
  http: { path: "/health", method: "GET", expectedStatuses: [200] },
};
const tcpCheck: ActiveHealthCheck = { ...httpCheck, type: "TCP" };

/** The next report, from event `from` on, with this verdict on the endpoint. */
async function verdict(edge: FakeEdge, key: string, healthy: boolean, from = 0): Promise<string> {
  const endpointsOf = (event: EdgeEvent) =>
    event.type === "message" && event.message.type === "report" ? event.message.endpoints[key] : undefined;
  const event = await edge.events.find((entry) => endpointsOf(entry)?.healthy === healthy, from);
  return endpointsOf(event)!.reason;
}

test("an endpoint's failing and recovering check is reported to the edge", async () => {
  let status = 200;
  const pod = await startPod((request, response) =>
    response.writeHead(request.url === "/health" ? status : 404).end(),
  );
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check: httpCheck }) });
  await fixture.startAgent(edge);

  await verdict(edge, podKey(pod.port), true);
  status = 503;
  expect(await verdict(edge, podKey(pod.port), false)).toContain("status 503, expected 200");
  const seen = edge.events.entries.length;
  status = 200;
  await verdict(edge, podKey(pod.port), true, seen);
});

test("a TCP check tells an open port from a closed one", async () => {
  const pod = await startPod((_request, response) => response.end());
  const closed = await closedPort();
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port, closed], { check: tcpCheck }) });
  await fixture.startAgent(edge);
  await verdict(edge, podKey(pod.port), true);
  expect(await verdict(edge, podKey(closed), false)).toContain("ECONNREFUSED");
});

test("another port is checked where the check says so, and the Host stays the endpoint's", async () => {
  const pod = await startPod((request, response) =>
    response.writeHead(request.headers.host === `127.0.0.1:${closed}` ? 200 : 400).end(),
  );
  const closed = await closedPort();
  const check = { ...httpCheck, overrides: { port: pod.port } };
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([closed], { check }) });
  await fixture.startAgent(edge);
  await verdict(edge, podKey(closed), true);
});

test("an HTTP check looks at the body where a text is expected, and sends its own headers", async () => {
  const pod = await startPod((request, response) => {
    response.write("status: ");
    response.end(request.headers["x-probe"] === "1" ? "gr\u00fcn" : "red");
  });
  const http = { ...httpCheck.http!, expectedBody: "gr\u00fcn" };
  const fixture = await createFixture();
  const red = podConfig([pod.port], { check: { ...httpCheck, http } });
  const edge = await fixture.startEdge({ config: red });
  await fixture.startAgent(edge);
  expect(await verdict(edge, podKey(pod.port), false)).toContain("the body lacks");
  const check = { ...httpCheck, http: { ...http, headers: [{ name: "X-Probe", value: "1" }] } };
  for (const { send } of edge.serving())
    send({ type: "config", config: podConfig([pod.port], { version: 2, check }) });
  await verdict(edge, podKey(pod.port), true);
});

test("a TCP check sends its text and looks at the answer", async () => {
  const port = await startRawPod((socket) =>
    socket.once("data", (data) => socket.write(data.toString() === "PING" ? "+PONG" : "-ERR")),
  );
  const fixture = await createFixture();
  const check = { ...tcpCheck, tcp: { send: "PING", receive: "PONG" } };
  const edge = await fixture.startEdge({ config: podConfig([port], { check }) });
  await fixture.startAgent(edge);
  await verdict(edge, podKey(port), true);
});

test("an endpoint outside the allow list is reported unhealthy, with the reason", async () => {
  const pod = await startPod((_request, response) => response.end());
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check: tcpCheck }) });
  await fixture.startAgent(edge, { allow: ["10.0.0.0/8"] });
  expect(await verdict(edge, podKey(pod.port), false)).toContain("not in the agent's allow list");
});

test("a pod that does not answer fails its check by time", async () => {
  const pod = await startPod(() => undefined);
  const check = { ...httpCheck, timeoutMs: 30 };
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check }) });
  await fixture.startAgent(edge);
  expect(await verdict(edge, podKey(pod.port), false)).toContain("no answer within 30 ms");
});

test("a gRPC check asks for the service, and believes SERVING alone", async () => {
  let serving = 1;
  const asked: string[] = [];
  const pod = await startHttp2Pod((stream, headers) => {
    stream.on("data", (chunk: Buffer) => {
      asked.push(`${headers[":path"]} ${headers.te} ${chunk.subarray(7).toString()}`);
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 8, serving]));
    });
  });
  const fixture = await createFixture();
  const check: ActiveHealthCheck = { ...httpCheck, type: "GRPC", grpc: { service: "shop.Orders" } };
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check, protocol: "GRPC" }) });
  await fixture.startAgent(edge);
  await verdict(edge, podKey(pod.port), true);
  expect(asked[0]).toBe("/grpc.health.v1.Health/Check trailers shop.Orders");
  serving = 2;
  expect(await verdict(edge, podKey(pod.port), false)).toContain("not SERVING");
});

test("a gRPC check of a server that knows no such service fails with its status", async () => {
  const pod = await startHttp2Pod((stream) =>
    stream.respond({ ":status": 200, "grpc-status": "5" }, { endStream: true }),
  );
  const fixture = await createFixture();
  const check: ActiveHealthCheck = { ...httpCheck, type: "GRPC" };
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check, protocol: "GRPC" }) });
  await fixture.startAgent(edge);
  expect(await verdict(edge, podKey(pod.port), false)).toContain("grpc-status 5, expected 0");
});

test("an HTTP check of an endpoint of HTTP/2 goes over HTTP/2", async () => {
  const pod = await startHttp2Pod((stream, headers) => {
    stream.respond({ ":status": headers[":path"] === "/health" ? 200 : 404 });
    stream.end("all green");
  });
  const fixture = await createFixture();
  const check = { ...httpCheck, http: { ...httpCheck.http!, expectedBody: "green" } };
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { check, protocol: "H2C" }) });
  await fixture.startAgent(edge);
  await verdict(edge, podKey(pod.port), true);
});
