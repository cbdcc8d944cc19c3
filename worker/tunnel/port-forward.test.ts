// Port forwarding at a hub, as it is on Cloudflare: a Durable Object in the Worker's own account, and no process of ours.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endpointKey } from "#contract/snapshot.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, forwardHubSettings } from "#contract/tunnel/settings.ts";
import { type SessionHandlers, TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { objectFetch } from "../objects.ts";
import { bindings, push } from "./testing/simulated-agent.ts";
import { encoder, quiet, serve } from "./testing/simulated-pod.ts";
import { answerAgent } from "./tunnel-door.ts";

beforeEach(() => {
  for (const method of ["warn", "info"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});

afterEach(() => {
  vi.restoreAllMocks();
});

const tcp: OpenHead = {
  kind: "tcp",
  endpoint: "",
  method: "",
  scheme: "",
  authority: "",
  target: "",
  fields: [],
};

/** As the door, once the control has said yes. */
async function forward(tunnel: string, handlers: Partial<SessionHandlers> = {}): Promise<TunnelSession> {
  const forwarder = { principal: "alice", tokenId: "0123", backend: "db", client: "192.0.2.1:5" };
  const headers = {
    upgrade: "websocket",
    "isthmus-operation": "forward",
    "isthmus-forwarder": encodeURIComponent(JSON.stringify(forwarder)),
  };
  const url = `https://edge.test/.well-known/isthmus/forward?tunnel=${tunnel}&shard=0`;
  const { webSocket } = await objectFetch(
    bindings,
    "TunnelHub",
    `${tunnel}:0`,
    new Request(url, { headers }),
  );
  webSocket!.binaryType = "arraybuffer";
  const session = new TunnelSession(
    {
      role: "agent",
      local: agentSettings,
      remote: forwardHubSettings,
      send: (message) => webSocket!.send(message),
      schedule: (flush) => queueMicrotask(flush),
      handlers: { onStream: () => "refused", onControl: () => {}, onClose: () => {}, ...handlers },
    },
    Date.now(),
  );
  webSocket!.addEventListener("message", ({ data }) =>
    session.receive(new Uint8Array(data as ArrayBuffer), Date.now()),
  );
  webSocket!.accept();
  return session;
}

async function configure(tunnel: string, addresses: string[]): Promise<string[]> {
  const endpoints = addresses.map((id, index) => ({
    id,
    address: id.split(":")[0]!,
    port: 5432,
    weight: 1,
    priority: index,
  }));
  const backends = [{ name: "db", protocol: "TCP" as const, endpoints }];
  await push(tunnel, { config: { tunnel, version: 1, hash: "sha256:0", backends } });
  return addresses.map((id) => endpointKey("db", id));
}

test("a stream is joined to one of an agent, by the next endpoint where the first cannot be reached", async () => {
  const asked: string[] = [];
  const { tunnel } = await serve((stream, { kind, endpoint }) => {
    asked.push(`${kind} ${endpoint}`);
    if (asked.length === 1) return "connect_failed";
    stream.respond({ status: 200, fields: [] });
    return {
      onData(chunk) {
        stream.write(chunk);
        stream.consumed(chunk.length);
      },
      onEnd: () => stream.end(),
      onReset: () => {},
    };
  });
  const keys = await configure(tunnel, ["10.0.0.1:5432", "10.0.0.2:5432"]);
  const session = await forward(tunnel);
  let received = "";
  const ended = Promise.withResolvers<void>();
  const stream: TunnelStream = session.open(
    tcp,
    {
      onData: (chunk) => {
        received += new TextDecoder().decode(chunk);
      },
      onEnd: () => ended.resolve(),
      onReset: (reset) => ended.reject(new Error(reset.code)),
    },
    false,
  )!;
  stream.write(encoder.encode("hello"));
  stream.end();
  await ended.promise;
  expect(received).toBe("hello");
  expect(asked).toEqual(keys.map((key) => `tcp ${key}`));
});

test("an agent that vanishes: the client's stream is reset, and says that the endpoint is gone", async () => {
  const { tunnel, agent } = await serve((stream) => {
    stream.respond({ status: 200, fields: [] });
    return quiet;
  });
  await configure(tunnel, ["10.0.0.1:5432"]);
  const session = await forward(tunnel);
  const connected = Promise.withResolvers<void>();
  const reset = Promise.withResolvers<StreamReset>();
  session.open(tcp, { onHead: () => connected.resolve(), onReset: reset.resolve }, false);
  await connected.promise;
  agent.socket.close(1011, "crash");
  expect(await reset.promise).toMatchObject({ code: "endpoint_reset" });
});

test("streams of other kinds are refused", async () => {
  const { tunnel } = await serve(() => quiet);
  await configure(tunnel, ["10.0.0.1:5432"]);
  const session = await forward(tunnel);
  const reset = Promise.withResolvers<StreamReset>();
  session.open({ ...tcp, kind: "http", method: "GET", target: "/" }, { onReset: reset.resolve }, true);
  expect(await reset.promise).toMatchObject({ code: "refused" });
});

test("the door wants a version, a name, an upgrade and a token, and tells a control that is away from one that says no", async () => {
  const answer = async (query: string, headers: Record<string, string> = {}): Promise<[number, string]> => {
    const url = `https://edge.test/.well-known/isthmus/forward?${query}`;
    const response = await answerAgent(new Request(url, { headers }), bindings);
    return [response.status, (await response.json<{ code: string }>()).code];
  };
  const upgrade = { upgrade: "websocket" };
  expect(await answer("version=1")).toEqual([400, "forward_invalid"]);
  expect(await answer("version=1&name=db&shard=9")).toEqual([400, "forward_invalid"]);
  expect(await answer("version=2&name=db", upgrade)).toEqual([400, "version_unsupported"]);
  expect(await answer("version=1&name=db")).toEqual([426, "upgrade_required"]);
  expect(await answer("version=1&name=db", upgrade)).toEqual([401, "unauthenticated"]);
  const bearer = { ...upgrade, authorization: "Bearer istk_x" };
  expect(await answer("version=1&name=db", bearer)).toEqual([503, "control_unavailable"]);
  // However long this takes, nothing is forgiven meanwhile.
  vi.spyOn(Date, "now").mockReturnValue(Date.now());
  const statuses = new Set<number>();
  for (let count = 0; count < 130; count++) statuses.add((await answer("version=1&name=db", upgrade))[0]);
  expect([...statuses]).toEqual([401, 429]);
});
