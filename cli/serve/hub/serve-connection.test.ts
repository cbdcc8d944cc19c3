import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { encodeAsk } from "#contract/hub-ask.ts";
import type { StreamReset } from "#traffic/tunnel/stream.ts";
import { connectionServer } from "./serve-connection.ts";
import { hubsWith, listen, type Pod } from "./testing/linked-agent.ts";

const asked = encodeAsk({ hub: "t:0", endpoint: "db|10.0.0.1:5432" });

/** A gateway's connection that has asked already. */
async function opened(pod: Pod, pieces: readonly Uint8Array[] = [asked]): Promise<Socket> {
  const { path, close } = await listen(connectionServer(hubsWith(pod)));
  const socket = connect({ path, allowHalfOpen: true });
  onTestFinished(async () => {
    socket.destroy();
    await close();
  });
  await once(socket, "connect");
  for (const piece of pieces) socket.write(piece);
  return socket;
}

function collected(socket: Socket): { text(): string; readonly ended: Promise<unknown> } {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  return { text: () => Buffer.concat(chunks).toString(), ended: once(socket, "end") };
}

const echo: Pod = (stream) => {
  stream.respond({ status: 200, fields: [] });
  stream.write(Buffer.from("hello "));
  return {
    onData(chunk) {
      stream.write(chunk);
      stream.consumed(chunk.length);
    },
    onEnd: () => stream.end(),
    onReset: () => {},
  };
};

test("what comes with the question, or with the answer, is passed on; each direction ends by itself", async () => {
  const socket = await opened(echo, [Buffer.concat([asked, Buffer.from("early ")])]);
  const { text, ended } = collected(socket);
  socket.end("late");
  await ended;
  expect(text().slice(2)).toBe("{}hello early late");
});

test("a question in pieces is one", async () => {
  const socket = await opened(echo, [asked.subarray(0, 1), asked.subarray(1, 9), asked.subarray(9)]);
  const { text, ended } = collected(socket);
  socket.end();
  await ended;
  expect(text().slice(2)).toBe("{}hello ");
});

test("an endpoint that refuses: why, and the end", async () => {
  const socket = await opened(() => "connect_failed");
  const { text, ended } = collected(socket);
  await ended;
  expect(JSON.parse(text().slice(2))).toEqual({ error: "endpoint_connect_failed" });
});

test("a gateway that has closed is noticed though nothing is written to it; one that ended its half is not", async () => {
  const resets: StreamReset[] = [];
  let ends = 0;
  const socket = await opened((stream) => {
    stream.respond({ status: 200, fields: [] });
    return { onEnd: () => void (ends += 1), onReset: (reset) => void resets.push(reset) };
  });
  await once(socket, "data");
  socket.end();
  await expect.poll(() => ends, { timeout: 20_000 }).toBe(1);
  expect(resets).toEqual([]);
  socket.destroy();
  await expect.poll(() => resets.length, { timeout: 20_000 }).toBe(1);
  expect(resets[0]!.code).toBe("cancelled");
});

test.each([
  ["too long", Uint8Array.of(0xff, 0xff)],
  ["no JSON", Uint8Array.of(0, 1, 0x7b)],
])("a question that is %s ends the connection", async (_what, bytes) => {
  const socket = await opened(echo, [bytes]);
  socket.resume();
  await once(socket, "end");
});
