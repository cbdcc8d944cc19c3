import { expect, test } from "vitest";
import { closeTable } from "#contract/tunnel/code.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, text } from "./testing/exchange.ts";
import type { EdgeConnection, EdgeEvent } from "./testing/fake-edge.ts";
import { startPod } from "./testing/pod.ts";

const isConnected = (event: EdgeEvent): event is Extract<EdgeEvent, { type: "connected" }> =>
  event.type === "connected";

test("a broken connection is replaced, while the other goes on", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);

  const [broken, other] = edge.serving();
  const seen = edge.events.entries.length;
  broken!.socket.terminate();
  const { connection } = await edge.events.find(isConnected, seen);
  expect(connection.shard).toBe(broken!.shard);
  expect(other!.session.closed).toBe(false);
  await agent.log.find(({ event, reason }) => event === "disconnected" && reason === "the connection broke");
});

test("an edge that was down is found again on the same certificate", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);
  await edge.stop();
  await agent.log.find(({ event, code }) => event === "connection_failed" && code === "edge_unreachable");

  const again = await fixture.startEdge({ port: edge.port });
  await again.events.until(() => again.serving().length === 2);
  expect(again.events.entries.some(({ type }) => type === "joined")).toBe(false);
});

test("a hub that goes away is served beside its successor, until it drains", async () => {
  const finish = Promise.withResolvers<void>();
  const pod = await startPod(
    (_request, response) => void finish.promise.then(() => response.end("finished")),
  );
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  await fixture.startAgent(edge);
  const leaving = await configured(edge);
  const answer = exchange(leaving.session, openHead(podKey(pod.port)));

  const seen = edge.events.entries.length;
  leaving.session.leave("the hub is replaced");
  const { connection } = (await edge.events.find(
    (event) => isConnected(event) && event.connection.shard === leaving.shard,
    seen,
  )) as Extract<EdgeEvent, { type: "connected" }>;
  const late = exchange(leaving.session, openHead(podKey(pod.port)));
  leaving.session.drain("gateways have gone");
  expect(leaving.session.closed).toBe(false);
  finish.resolve();
  for (const one of [answer, late]) expect(await text((await one).body)).toBe("finished");
  await leaving.closed;
  expect(connection.session.draining).toBe(false);
});

test("a certificate is renewed at half-life: the new connection is there before the old one goes, no request fails", async () => {
  const slow = Promise.withResolvers<void>();
  const pod = await startPod((request, response) => {
    if (request.url === "/slow") void slow.promise.then(() => response.end("slow"));
    else response.end("quick");
  });
  const fixture = await createFixture();
  const edge = await fixture.startEdge({
    config: podConfig([pod.port]),
    certificates: { lifetimeMs: 4_000 },
  });
  await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);
  const [old] = edge.serving();
  const { serial } = old!.identity;
  const pending = exchange(old!.session, openHead(podKey(pod.port), { target: "/slow" }));

  const draining = await edge.events.find((event) => event.type === "draining" && event.connection === old);
  // Overlap: whoever drains has a successor with another certificate.
  expect(draining).toBeDefined();
  const successors = edge.serving().filter((connection) => connection.shard === old!.shard);
  expect(successors.map(({ identity }) => identity.serial === serial)).toEqual([false]);
  expect(await text((await exchange(successors[0]!.session, openHead(podKey(pod.port)))).body)).toBe("quick");
  slow.resolve();
  expect(await text((await pending).body)).toBe("slow");
  await old!.closed;
});

test("a refused renewal is retried, and the log says why", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ certificates: { lifetimeMs: 4_000 } });
  edge.renews = false;
  const agent = await fixture.startAgent(edge);
  await expect(agent.log.find(({ event }) => event === "renewal_failed")).resolves.toMatchObject({
    code: "renewal_refused",
    reason: "the edge refused (unavailable): not now",
    expires: expect.any(String),
  });
  edge.renews = true;
  await agent.log.find(({ event }) => event === "renewed");
});

test("drain: requests in flight finish, new ones go to the other agent, nothing fails", async () => {
  const finish = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const pod = await startPod((_request, response) => {
    arrived.resolve();
    void finish.promise.then(() => response.end("finished"));
  });
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);
  await agent.log.find(({ event }) => event === "config_accepted");
  const [first, second] = edge.serving() as [EdgeConnection, EdgeConnection];
  const inFlight = exchange(first.session, openHead(podKey(pod.port)));
  await arrived.promise;

  const drained = agent.drain();
  await edge.events.find((event) => event.type === "draining" && event.connection === first);
  expect(first.session.open(openHead(podKey(pod.port)), { onReset: () => undefined }, true)).toBeUndefined();
  finish.resolve();
  expect(await text((await inFlight).body)).toBe("finished");
  await drained;
  await agent.closed;
  // The edge learns of it when the connection's end has come there.
  await expect
    .poll(() => [first.session.closed, second.session.closed], { timeout: 30_000 })
    .toEqual([true, true]);
});

test("a request that crosses the agent's go-away is still served", async () => {
  const pod = await startPod((_request, response) => response.end("served"));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const agent = await fixture.startAgent(edge);
  const { session } = await configured(edge);
  // Written before the go-away can have arrived.
  const drained = agent.drain();
  const answer = await exchange(session, openHead(podKey(pod.port)));
  expect(await text(answer.body)).toBe("served");
  await drained;
});

test("drain gives up on streams that never end after the drain timeout", async () => {
  const pod = await startPod((_request, response) => void response.write("forever"));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const agent = await fixture.startAgent(edge, { drainTimeoutMs: 50 });
  const { session } = await configured(edge);
  const answer = await exchange(session, openHead(podKey(pod.port)));
  const reset = Promise.withResolvers<void>();
  answer.body.on("error", () => reset.resolve());
  await agent.drain();
  await reset.promise;
  expect(agent.log.entries).toContainEqual(expect.objectContaining({ event: "drain_timeout" }));
});

test("an older configuration is ignored, a newer one is used at once", async () => {
  const [old, current] = [
    await startPod((_request, response) => response.end("old")),
    await startPod((_request, response) => response.end("current")),
  ];
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([current.port], { version: 7 }) });
  const agent = await fixture.startAgent(edge);
  const connection = await configured(edge);
  connection.send({ type: "config", config: podConfig([old.port], { version: 6 }) });
  connection.send({ type: "config", config: podConfig([current.port, old.port], { version: 8 }) });
  await agent.log.find(({ event, version }) => event === "config_accepted" && version === 8);
  expect(agent.log.entries.some(({ version }) => version === 6)).toBe(false);
  const answer = await exchange(connection.session, openHead(podKey(current.port)));
  expect(await text(answer.body)).toBe("current");
});

test("a hub that breaks the protocol is cut off, and reconnected to", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge();
  const agent = await fixture.startAgent(edge);
  await edge.events.until(() => edge.serving().length === 2);
  const [connection] = edge.serving();
  const closed = new Promise<number>((resolve) => connection!.socket.once("close", resolve));
  connection!.socket.send(Buffer.from([0x7f, 0, 0, 0, 0, 0, 0, 0, 0]));
  expect(await closed).toBe(closeTable.protocol_error.number);
  await agent.log.find(({ event, code }) => event === "disconnected" && code === "protocol_error");
  await edge.events.until(() => edge.serving().length === 2);
});
