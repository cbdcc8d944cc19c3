import { expect, test } from "vitest";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, text } from "./testing/exchange.ts";
import { closedPort, startRawPod } from "./testing/pod.ts";

async function tunnelTo(port: number) {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port]) });
  await fixture.startAgent(edge);
  return (await configured(edge)).session;
}

const tcpHead = (port: number) => openHead(podKey(port), { kind: "tcp", method: "", target: "" });

test("bytes pass in both directions, and the end of one direction leaves the other open", async () => {
  const port = await startRawPod((socket) => {
    const chunks: Buffer[] = [];
    // Answers only after the client has ended its side.
    socket
      .on("data", (chunk) => chunks.push(chunk))
      .on("end", () => socket.end(Buffer.concat(chunks).reverse()));
  });
  async function* upload() {
    yield Buffer.from("abc");
    yield Buffer.from("def");
  }
  const answer = await exchange(await tunnelTo(port), tcpHead(port), upload());
  expect(answer.head).toEqual({ status: 200, fields: [] });
  expect(await text(answer.body)).toBe("fedcba");
});

test("the last bytes of an endpoint that ends are kept for a reader that comes late", async () => {
  const length = 40_000;
  const ended = Promise.withResolvers<void>();
  const port = await startRawPod((socket) => {
    socket.resume().once("close", ended.resolve).end(Buffer.alloc(length, "x"));
  });
  const session = await tunnelTo(port);
  async function* nothing() {}
  // More than a new stream's window: the rest waits in the agent, to which the endpoint has said that it is over.
  const answer = await exchange(session, tcpHead(port), nothing());
  await ended.promise;
  const next = await exchange(session, tcpHead(port), nothing());
  expect((await text(answer.body)).length).toBe(length);
  expect((await text(next.body)).length).toBe(length);
});

test("nobody listens: connect_failed", async () => {
  const port = await closedPort();
  await expect(exchange(await tunnelTo(port), tcpHead(port))).rejects.toMatchObject({
    reset: { code: "connect_failed" },
  });
});
