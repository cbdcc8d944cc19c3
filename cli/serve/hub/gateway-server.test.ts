import { once } from "node:events";
import { request, type IncomingMessage, type RequestOptions } from "node:http";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { BodyFrameReader } from "#contract/body-frames.ts";
import { limits } from "#contract/limits.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { FrontDoors } from "./front-doors.ts";
import { gatewayServer } from "./gateway-server.ts";
import type { Hubs } from "./hubs.ts";
import { hubsWith, listen, type Pod } from "./testing/linked-agent.ts";

const patience = { timeout: 20_000 };
const quiet: StreamHandlers = { onReset: () => {} };
const asked = {
  "isthmus-object": "TunnelHub/t:0",
  "isthmus-operation": "stream",
  "isthmus-endpoint": "web|10.0.0.1:80",
  host: "www.example.com",
};

async function served(hubs: Hubs): Promise<string> {
  const { path, close } = await listen(gatewayServer(hubs, new FrontDoors("/nowhere")));
  onTestFinished(close);
  return path;
}

async function ask(
  socketPath: string,
  options: RequestOptions = {},
  body?: Buffer,
): Promise<IncomingMessage> {
  const outgoing = request({ socketPath, ...options, headers: { ...asked, ...options.headers } });
  outgoing.end(body);
  const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
  return answer;
}

/** Answers at once, all in one message of the tunnel. */
const answering =
  (status: number, fields: Fields, body: string, trailers: Fields = []): Pod =>
  (stream) => {
    stream.respond({ status, fields });
    stream.write(Buffer.from(body));
    stream.end(trailers);
    return quiet;
  };

/** Writes as the window allows until it ends after `bytes`; `written` tells how far it is. */
function pouring(stream: TunnelStream, bytes: number): StreamHandlers & { written: number } {
  const chunk = new Uint8Array(64 * 1024);
  const pour = (): void => {
    while (handlers.written < bytes) {
      const next = chunk.subarray(0, bytes - handlers.written);
      const sent = stream.write(next);
      handlers.written += sent;
      if (sent < next.length) return;
    }
    stream.end();
  };
  const handlers = { written: 0, onReset: () => {}, onWritable: pour };
  setImmediate(pour);
  return handlers;
}

test("head and body pass as they are, in octets; a complete answer gets its length", async () => {
  const heads: unknown[] = [];
  const path = await served(
    hubsWith((stream, head) => {
      heads.push(head);
      return answering(
        201,
        [
          ["x-name", "caf\u00c3\u00a9"],
          ["set-cookie", "a"],
          ["set-cookie", "b"],
        ],
        "hello",
      )(stream, head);
    }),
  );
  const answer = await ask(path, { path: "/a?b=c", headers: { "x-own": "caf\u00c3\u00a9", te: "trailers" } });
  expect(await text(answer)).toBe("hello");
  expect([answer.statusCode, answer.headers["x-name"], answer.headers["set-cookie"]]).toEqual([
    201,
    "caf\u00c3\u00a9",
    ["a", "b"],
  ]);
  expect(answer.headers["content-length"]).toBe("5");
  expect(heads).toMatchObject([
    {
      kind: "http",
      method: "GET",
      authority: "www.example.com",
      target: "/a?b=c",
      endpoint: "web|10.0.0.1:80",
    },
  ]);
  const { fields } = heads[0] as { fields: Fields };
  expect(fields).toContainEqual(["x-own", "caf\u00c3\u00a9"]);
  expect(fields.filter(([name]) => name.startsWith("isthmus-"))).toEqual([]);
});

test("who takes trailers gets them behind the body, marked by the token", async () => {
  const path = await served(hubsWith(answering(200, [], "body", [["x-end", "yes"]])));
  const answer = await ask(path, { headers: { "isthmus-trailers": "token" } });
  expect(answer.headers["isthmus-trailers"]).toBe("token");
  const reader = new BodyFrameReader();
  const data: Uint8Array[] = [];
  for await (const chunk of answer as AsyncIterable<Buffer>) data.push(...reader.read(chunk));
  expect([Buffer.concat(data).toString(), reader.trailers]).toEqual(["body", [["x-end", "yes"]]]);
  expect(await text(await ask(path))).toBe("body");
});

test.each<[string, string, number, Fields]>([
  ["a field that would begin another", "tunnel_reset", 200, [["x-a", "b\r\nx-c: d"]]],
  ["a name that is none", "tunnel_reset", 200, [["x a", "b"]]],
  ["a status that is none", "tunnel_reset", 700, []],
  ["less than it declares", "endpoint_protocol_error", 200, [["content-length", "6"]]],
  ["more than it declares", "endpoint_protocol_error", 200, [["content-length", "4"]]],
])("an agent that answers with %s is not believed", async (_what, code, status, fields) => {
  const answer = await ask(await served(hubsWith(answering(status, fields, "hello"))));
  expect([answer.statusCode, answer.headers["isthmus-tunnel-error"]]).toEqual([599, code]);
});

test("what an agent says of the connection, and lengths that contradict each other, are left out", async () => {
  const path = await served(
    hubsWith(
      answering(
        200,
        [
          ["transfer-encoding", "chunked"],
          ["connection", "close"],
          ["content-length", "5"],
          ["content-length", "6"],
          ["isthmus-tunnel-error", "internal"],
        ],
        "hello",
      ),
    ),
  );
  const answer = await ask(path);
  expect(await text(answer)).toBe("hello");
  expect([answer.headers["content-length"], answer.headers["transfer-encoding"]]).toEqual(["5", undefined]);
  expect(answer.headers["isthmus-tunnel-error"]).toBeUndefined();
});

test.each([
  ["shorter", 10],
  ["longer", 3],
])("a body that turns out %s than it declares breaks off", async (_what, declared) => {
  const streams: TunnelStream[] = [];
  const path = await served(
    hubsWith((stream) => {
      stream.respond({ status: 200, fields: [["content-length", String(declared)]] });
      streams.push(stream);
      return quiet;
    }),
  );
  const answer = await ask(path);
  streams[0]!.write(Buffer.from("hello"));
  streams[0]!.end();
  await expect(text(answer)).rejects.toThrow("aborted");
});

test("an answer that breaks off as it begins is not taken for a whole", async () => {
  const path = await served(
    hubsWith((stream) => {
      stream.respond({ status: 200, fields: [] });
      stream.write(Buffer.from("half"));
      stream.reset("endpoint_reset");
      return quiet;
    }),
  );
  const answer = await ask(path);
  expect([answer.statusCode, answer.headers["isthmus-tunnel-error"]]).toEqual([599, "endpoint_reset"]);
});

test("a gateway that does not read stops the endpoint, and nobody else", async () => {
  const totalBytes = 64 * 1024 * 1024;
  const pours: { written: number }[] = [];
  const path = await served(
    hubsWith((stream, head) => {
      if (head.target !== "/bulk") return answering(200, [], "small")(stream, head);
      stream.respond({ status: 200, fields: [] });
      const handlers = pouring(stream, totalBytes);
      pours.push(handlers);
      return handlers;
    }),
  );
  const slow = await ask(path, { path: "/bulk" });
  slow.pause();
  let before = -1;
  while (pours[0]!.written !== before) {
    before = pours[0]!.written;
    for (let count = 0; count < 20; count += 1) expect(await text(await ask(path))).toBe("small");
  }
  expect(before).toBeLessThan(4 * 1024 * 1024);
  let bytes = 0;
  for await (const chunk of slow as AsyncIterable<Buffer>) bytes += chunk.length;
  expect(bytes).toBe(totalBytes);
});

test("an endpoint that does not read stops the gateway", async () => {
  const uploads: TunnelStream[] = [];
  let received = 0;
  const path = await served(
    hubsWith((stream) => {
      uploads.push(stream);
      return {
        onData: (chunk) => void (received += chunk.length),
        onEnd: () => {
          stream.respond({ status: 200, fields: [] });
          stream.write(Buffer.from(String(received)));
          stream.end();
        },
        onReset: () => {},
      };
    }),
  );
  const body = Buffer.alloc(8 * 1024 * 1024);
  const answer = ask(path, { method: "POST", headers: { "content-length": body.length } }, body);
  // It holds no more than the stream's window; reading on takes the rest.
  let mostBytes = 0;
  const reading = setInterval(() => {
    mostBytes = Math.max(mostBytes, uploads[0]?.unconsumedBytes ?? 0);
    uploads[0]?.consumed(64 * 1024);
  }, 1);
  onTestFinished(() => clearInterval(reading));
  expect(await text(await answer)).toBe(String(body.length));
  expect(mostBytes).toBeGreaterThan(0);
  expect(mostBytes).toBeLessThanOrEqual(limits.streamWindowBytes);
});

test("a gateway that leaves resets the stream; one that breaks off an upload, too", async () => {
  const resets: StreamReset[] = [];
  const opened: (() => void)[] = [];
  const path = await served(
    hubsWith((stream) => {
      opened.shift()?.();
      return {
        onData: (chunk) => stream.consumed(chunk.length),
        onReset: (reset) => void resets.push(reset),
      };
    }),
  );
  for (const method of ["GET", "POST"]) {
    const arrived = new Promise<void>((done) => opened.push(done));
    const headers = { ...asked, ...(method === "POST" && { "content-length": 100 }) };
    const outgoing = request({ socketPath: path, method, headers });
    outgoing.on("error", () => {});
    if (method === "GET") outgoing.end();
    else outgoing.write("part");
    await arrived;
    outgoing.destroy();
    await expect.poll(() => resets.length, patience).toBe(method === "GET" ? 1 : 2);
  }
  expect(resets.map(({ code }) => code)).toEqual(["cancelled", "cancelled"]);
});

test("a WebSocket: the endpoint's subprotocol, what it says with its answer, text and binary, close codes", async () => {
  const closes: [number, string][] = [];
  const path = await served(
    hubsWith((stream, { kind }) => {
      expect(kind).toBe("websocket");
      stream.respond({
        status: 101,
        fields: [
          ["sec-websocket-protocol", "chat"],
          ["x-own", "yes"],
        ],
      });
      stream.writeMessage(Buffer.from("welcome"), { text: true, last: true });
      return {
        onMessage(chunk, message) {
          stream.writeMessage(chunk, message);
          stream.consumed(chunk.length);
        },
        onClose(code, reason) {
          closes.push([code, reason]);
          stream.close(code, reason);
        },
        onReset: () => {},
      };
    }),
  );
  const socket = new WebSocket(`ws+unix:${path}:/socket`, ["other", "chat"], { headers: asked });
  const received: [string, boolean][] = [];
  const answered = once(socket, "upgrade") as Promise<[IncomingMessage]>;
  socket.on("message", (data, isBinary) => received.push([(data as Buffer).toString(), isBinary]));
  const opened = once(socket, "open");
  const [answer] = await answered;
  await opened;
  expect([socket.protocol, answer.headers["x-own"]]).toEqual(["chat", "yes"]);
  socket.send("hello");
  socket.send(Buffer.from("bytes"));
  await expect
    .poll(() => received)
    .toEqual([
      ["welcome", false],
      ["hello", false],
      ["bytes", true],
    ]);
  socket.close(4000, "bye");
  await once(socket, "close");
  await expect.poll(() => closes, patience).toEqual([[4000, "bye"]]);
});

test("a handshake that the endpoint does not take is answered as any request", async () => {
  const path = await served(hubsWith(answering(403, [["x-why", "no"]], "forbidden")));
  const socket = new WebSocket(`ws+unix:${path}:/`, { headers: asked });
  const [, answer] = (await once(socket, "unexpected-response")) as [unknown, IncomingMessage];
  expect([answer.statusCode, answer.headers["x-why"], await text(answer)]).toEqual([403, "no", "forbidden"]);
});

test("answers of a process whose successor has taken over end the connection, so that the next request goes to its successor", async () => {
  const hubs = hubsWith(answering(200, [], "hello"));
  const path = await served(hubs);
  const connection = async (): Promise<string | undefined> => {
    const answer = await ask(path, { headers: { connection: "keep-alive" } });
    await text(answer);
    return answer.headers.connection;
  };
  expect(await connection()).toBe("keep-alive");
  hubs.ending = true;
  expect(await connection()).toBe("close");
});

test("of a process that ends, an answer that began before and would leave its connection open is cut in time", async () => {
  const hubs = hubsWith((stream) => {
    stream.respond({ status: 200, fields: [] });
    stream.write(Buffer.from("first"));
    return quiet;
  });
  const load = { serving: 0, streams: 0 };
  const path = await served(Object.assign(hubs, { obey: () => load }));
  const read = async (answer: IncomingMessage): Promise<unknown> => {
    const [first] = (await once(answer, "data")) as [Buffer];
    return String(first);
  };
  const before = await ask(path);
  expect(await read(before)).toBe("first");
  const cut = once(before, "error");
  hubs.ending = true;
  const end = { path: "/end", method: "POST", headers: { "isthmus-operation": "call" } };
  expect(JSON.parse(await text(await ask(path, end, Buffer.from('{"timeoutMs":20}'))))).toEqual(load);
  const behind = await ask(path);
  expect([behind.headers.connection, await read(behind)]).toEqual(["close", "first"]);
  expect(await cut).toMatchObject([{ code: "ECONNRESET" }]);
  expect(behind.destroyed).toBe(false);
  behind.destroy();
});
