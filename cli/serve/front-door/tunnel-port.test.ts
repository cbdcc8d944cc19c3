import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request, type Server as HttpsServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test } from "vitest";
import { dialledProtocols } from "#contract/tunnel/target.ts";
import { helloMessage, records } from "#traffic/connection/client-hello.fixture.ts";
import { developmentCertificate } from "../dev-certificate.ts";
import { type PassOn, tunnelPort } from "./tunnel-port.ts";

let pair: { cert: Buffer; key: Buffer };
let port: Server;

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-tunnel-port-"));
  const { certFile, keyFile } = await developmentCertificate(directory, [], Date.now());
  pair = { cert: await readFile(certFile), key: await readFile(keyFile) };
  await rm(directory, { recursive: true });
});

afterEach(() => port.close());

const answering = (word: string): HttpsServer =>
  createServer(pair, (_request, response) => response.end(word));

async function open(passOn: PassOn): Promise<number> {
  port = tunnelPort(answering("door"), passOn);
  port.listen(0, "127.0.0.1");
  await once(port, "listening");
  return (port.address() as AddressInfo).port;
}

function ask(number: number, ALPNProtocols?: string[]): Promise<string> {
  return new Promise((done, fail) => {
    const options = {
      port: number,
      host: "localhost",
      ca: pair.cert,
      agent: false,
      ...(ALPNProtocols && { ALPNProtocols }),
    };
    request(options, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += String(chunk))).once("end", () => done(text));
    })
      .once("error", fail)
      .end();
  });
}

/** As a hub's process that gets the connection, with what was read of it. */
function hubs(): { passOn: PassOn; shards: number[] } {
  const hub = answering("hub");
  const shards: number[] = [];
  const passOn: PassOn = (shard, start, socket) => {
    shards.push(shard);
    socket.unshift(start);
    return hub.emit("connection", socket);
  };
  return { passOn, shards };
}

test("a connection that names a shard is given away with all that was read; others stay", async () => {
  const { passOn, shards } = hubs();
  const number = await open(passOn);
  expect(await ask(number, dialledProtocols(1))).toBe("hub");
  expect(shards).toEqual([1]);
  expect(await ask(number)).toBe("door");
  expect(await ask(number, ["http/1.1", "isthmus-hub/99"])).toBe("door");
  expect(shards).toEqual([1]);
});

test("one that nobody takes stays, too", async () => {
  expect(await ask(await open(() => false), dialledProtocols(0))).toBe("door");
});

test("whatever pieces the ClientHello comes in, all of it is passed on", async () => {
  const passed = Promise.withResolvers<Buffer>();
  const number = await open((_shard, start, socket) => {
    passed.resolve(start);
    socket.destroy();
    return true;
  });
  const bytes = records(helloMessage({ protocols: dialledProtocols(0) }), 50);
  const client = connect(number, "127.0.0.1").on("error", () => undefined);
  for (let at = 0; at < bytes.length; at += 7) {
    await new Promise((sent) => client.write(bytes.subarray(at, at + 7), sent));
  }
  expect(new Uint8Array(await passed.promise)).toEqual(bytes);
});

test("what begins with no ClientHello is closed", async () => {
  const client = connect(await open(() => true), "127.0.0.1");
  client.on("error", () => undefined).end("GET / HTTP/1.1\r\nHost: edge\r\n\r\n");
  await once(client, "close");
});
