import { beforeEach, expect, test, vi } from "vitest";
import type { TunnelConfig } from "#contract/sync.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { eventually } from "../eventually.fixture.ts";
import { ask, push } from "./testing/simulated-agent.ts";
import { answer, connect, failure, quiet, serve } from "./testing/simulated-pod.ts";

beforeEach(() => {
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

test("without an agent the failure says that nothing was sent", async () => {
  expect(failure(await ask("nobody", "/"))).toEqual([599, "tunnel_unavailable", "1"]);
});

test("an agent that vanishes before it answers: the failure says that the request may have been seen", async () => {
  let streams = 0;
  const { tunnel, agent } = await serve(() => {
    streams++;
    return quiet;
  });
  const response = ask(tunnel, "/");
  await eventually(() => expect(streams).toBe(1));
  agent.socket.close(1011, "crash");
  expect(failure(await response)).toEqual([599, "tunnel_reset", null]);
});

test("a request that an agent did not take up goes to another one; one with a body is not sent twice", async () => {
  const { tunnel } = await serve(() => "refused");
  let served = 0;
  await connect(tunnel, (stream, head, ended) => {
    served++;
    return answer(200, "second")(stream, head, ended);
  });
  for (let turn = 0; turn < 4; turn++) expect(await (await ask(tunnel, "/")).text()).toBe("second");
  expect(served).toBe(4);
  const posts: number[] = [];
  while (new Set(posts).size < 2) posts.push((await ask(tunnel, "/", { method: "POST", body: "x" })).status);
  expect(new Set(posts)).toEqual(new Set([200, 599]));
});

test("an agent that drains finishes what it has and gets nothing new", async () => {
  let waiting: TunnelStream | undefined;
  const drained = Promise.withResolvers<void>();
  const { tunnel, agent } = await serve(
    (stream) => {
      waiting = stream;
      return quiet;
    },
    { onDrained: () => drained.resolve() },
  );
  const slow = ask(tunnel, "/slow");
  await eventually(() => expect(waiting).toBeDefined());
  agent.session!.drain("rolling update");
  await eventually(async () => expect((await push(tunnel, {})).agents).toMatchObject([{ draining: true }]));
  expect(failure(await ask(tunnel, "/"))).toEqual([599, "tunnel_unavailable", "1"]);
  await connect(tunnel, answer(200, "new"));
  expect(await (await ask(tunnel, "/")).text()).toBe("new");
  answer(200, "old")(waiting!, waiting!.head, true);
  expect(await (await slow).text()).toBe("old");
  await drained.promise;
});

test("an agent gets trust and configuration, and what it reports reaches the region", async () => {
  const seen: string[] = [];
  const { tunnel, agent } = await serve(answer(200), {
    onControl: (text) => seen.push((JSON.parse(text) as { type: string }).type),
  });
  const endpoint = { id: "10.0.0.1:80", address: "10.0.0.1", port: 80, weight: 1 };
  const config: TunnelConfig = {
    tunnel,
    version: 7,
    hash: "sha256:0",
    backends: [{ name: "web", protocol: "HTTP", endpoints: [endpoint] }],
  };
  await push(tunnel, { config });
  await push(tunnel, { config: { ...config, version: 6 } });
  await eventually(() => expect(seen).toEqual(["trust", "config"]));
  const endpoints = {
    "web|10.0.0.1:80": { healthy: false, reason: "connection refused" },
    "web|10.9.9.9:80": { healthy: true, reason: "" },
  };
  agent.session!.sendControl(JSON.stringify({ type: "report", configVersion: 7, full: true, endpoints }));
  await eventually(async () =>
    expect(await push(tunnel, {})).toMatchObject({ configVersion: 7, agents: [{ configVersion: 7 }] }),
  );
  // Endpoints that the configuration does not name are not kept.
  const bad = { healthy: false, reason: "connection refused" };
  expect((await push(tunnel, {})).endpoints).toEqual({ "web|10.0.0.1:80": bad });
  // Healthy as soon as one agent reaches it.
  const second = await connect(tunnel, answer(200));
  const good = { "web|10.0.0.1:80": { healthy: true, reason: "" } };
  second.session!.sendControl(
    JSON.stringify({ type: "report", configVersion: 7, full: true, endpoints: good }),
  );
  await eventually(async () => expect((await push(tunnel, {})).endpoints).toEqual(good));
});

test("a renewal while the control is down is refused with the reason", async () => {
  const seen: unknown[] = [];
  const { agent } = await serve(answer(200), { onControl: (text) => seen.push(JSON.parse(text)) });
  agent.session!.sendControl(JSON.stringify({ type: "renew", id: 5, csrPem: "x" }));
  await eventually(() =>
    expect(seen).toContainEqual({
      type: "renew-refused",
      id: 5,
      error: { code: "control_unavailable", message: "the control answered 503" },
    }),
  );
});

test("an agent that breaks the protocol loses its connection, and only it", async () => {
  const { tunnel, agent } = await serve(() => "refused");
  const other = await connect(tunnel, answer(200, "fine"));
  agent.socket.send(new Uint8Array([0x22, 0, 0, 0, 0, 9, 0xff, 0xff, 0xff]));
  expect((await agent.closed).code).toBe(4413);
  expect(await (await ask(tunnel, "/")).text()).toBe("fine");
  expect(other.session!.closed).toBe(false);
});

test("what may be repeated goes to another agent when its connection is lost; a POST does not", async () => {
  let lost = 0;
  const { tunnel, agent } = await serve(() => {
    lost++;
    return quiet;
  });
  const waiting = [ask(tunnel, "/"), ask(tunnel, "/", { method: "POST" })];
  await eventually(() => expect(lost).toBe(2));
  await connect(tunnel, answer(200, "second"));
  agent.socket.close(1011, "crash");
  const [get, post] = await Promise.all(waiting);
  expect(await get!.text()).toBe("second");
  expect(failure(post!)).toEqual([599, "tunnel_reset", null]);
});

test("a request with a body waits a moment for an agent that connects anew", async () => {
  const { tunnel, agent } = await serve(answer(200, "old"));
  agent.socket.close(1000, "");
  await eventually(async () => expect((await push(tunnel, {})).agents).toEqual([]));
  const post = ask(tunnel, "/", { method: "POST", body: "x" });
  await connect(tunnel, answer(200, "new"));
  expect(await (await post).text()).toBe("new");
});
