import { expect, test } from "vitest";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import { createTestGateway, testBackend, testSnapshot } from "../testing/test-gateway.ts";

const url = "http://example.com/";

/** An origin that answers when it is told to. */
function held(policies: Partial<SnapshotBackend>) {
  const answers: ((response: Response) => void)[] = [];
  const backend = { ...testBackend("pods", 1), ...policies };
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    random: () => 0.5,
    origin: () => new Promise((done) => answers.push(done)),
  });
  return { gateway, answers };
}

const errorOf = (response: Response): string | null => response.headers.get("isthmus-error");

test("a request counts until the end of its response", async () => {
  const { gateway, answers } = held({ circuitBreaker: { maxParallelRequests: 1 } });
  const first = gateway.ask(url);
  await expect.poll(() => answers.length).toBe(1);
  expect(errorOf(await gateway.ask(url))).toBe("circuit_open");
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  answers[0]!(new Response(readable));
  const response = await first;
  expect(errorOf(await gateway.ask(url))).toBe("circuit_open");
  await writable.close();
  await response.text();
  await gateway.settled();
  const next = gateway.ask(url);
  await expect.poll(() => answers.length).toBe(2);
  answers[1]!(new Response("ok"));
  expect((await next).status).toBe(200);
});

test("maxPendingRequests bounds those that wait for a head", async () => {
  const { gateway, answers } = held({ circuitBreaker: { maxPendingRequests: 1 } });
  const first = gateway.ask(url);
  await expect.poll(() => answers.length).toBe(1);
  expect(errorOf(await gateway.ask(url))).toBe("circuit_open");
  answers[0]!(new Response(new TransformStream().readable));
  await first;
  const next = gateway.ask(url);
  await expect.poll(() => answers.length).toBe(2);
  answers[1]!(new Response("ok"));
  expect((await next).status).toBe(200);
});

test("as the backend fills up, requests are shed", async () => {
  const { gateway, answers } = held({
    loadShedding: { capacity: 2, startPercent: 0, default: "sheddable", header: "x-priority" },
  });
  const first = gateway.ask(url);
  await expect.poll(() => answers.length).toBe(1);
  const shed = await gateway.ask(url, { headers: { "x-priority": "critical-plus" } });
  // The client is no trusted proxy, so its word on the priority does not count.
  expect([shed.status, errorOf(shed)]).toEqual([503, "load_shed"]);
  answers[0]!(new Response("ok"));
  expect((await first).status).toBe(200);
});

test("maxConnections bounds open WebSockets, whose messages pass both ways", async () => {
  const { gateway, answers } = held({ circuitBreaker: { maxConnections: 1 } });
  const upgrade = { headers: { upgrade: "websocket" } };
  const first = gateway.ask(url, upgrade);
  await expect.poll(() => answers.length).toBe(1);
  const pair = new WebSocketPair();
  pair[1].accept();
  pair[1].addEventListener("message", ({ data }) => pair[1].send(`echo ${String(data)}`));
  answers[0]!(new Response(null, { status: 101, webSocket: pair[0] }));
  const socket = (await first).webSocket!;
  const heard: unknown[] = [];
  socket.addEventListener("message", ({ data }) => void heard.push(data));
  socket.accept();
  socket.send("hello");
  await expect.poll(() => heard).toEqual(["echo hello"]);
  expect(errorOf(await gateway.ask(url, upgrade))).toBe("circuit_open");
  socket.close(1000, "done");
  await expect
    .poll(async () => {
      const next = gateway.ask(url, upgrade);
      await Promise.race([next, new Promise((done) => setTimeout(done, 10))]);
      return answers.length;
    })
    .toBe(2);
});
