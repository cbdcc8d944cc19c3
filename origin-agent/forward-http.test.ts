import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { expect, test } from "vitest";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, text } from "./testing/exchange.ts";
import { closedPort, startPod, startRawPod } from "./testing/pod.ts";
import type { RequestListener } from "node:http";

async function tunnelTo(handler: RequestListener) {
  const pod = await startPod(handler);
  return { ...(await tunnelToPort(pod.port)), pod };
}

async function tunnelToPort(port: number) {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([port]) });
  const agent = await fixture.startAgent(edge);
  const { session } = await configured(edge);
  return { session, edge, agent, key: podKey(port) };
}

test("the pod sees method, path, the original Host and the client's fields; its answer comes back as it was", async () => {
  const { session, key } = await tunnelTo((request, response) => {
    response.writeHead(203, [
      ["X-Case", "Kept"],
      ["Set-Cookie", "a=1"],
      ["Set-Cookie", "b=2; Path=/"],
      ["Connection", "x-hop"],
      ["X-Hop", "stays here"],
      ["X-Latin", "caf\u00e9"],
    ]);
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.rawHeaders }));
  });
  const head = openHead(key, {
    method: "DELETE",
    authority: "shop.example.com:8443",
    target: "/orders/7?x=1&x=2",
    fields: [
      ["x-one", "1"],
      ["x-one", "2"],
      ["connection", "x-secret"],
      ["x-secret", "hop"],
      ["te", "trailers"],
      ["expect", "100-continue"],
    ],
  });
  const answer = await exchange(session, head);
  const seen = JSON.parse(await text(answer.body)) as { method: string; url: string; headers: string[] };

  expect(seen).toMatchObject({ method: "DELETE", url: "/orders/7?x=1&x=2" });
  expect(seen.headers.slice(0, 2)).toEqual(["host", "shop.example.com:8443"]);
  expect(seen.headers.join()).toContain("x-one,1,x-one,2");
  expect(seen.headers.join()).not.toMatch(/secret|expect|trailers/);
  expect(answer.head.status).toBe(203);
  const fields = answer.head.fields.filter(([name]) => /^(x-|set-cookie|connection)/.test(name));
  expect(fields).toEqual([
    ["x-case", "Kept"],
    ["set-cookie", "a=1"],
    ["set-cookie", "b=2; Path=/"],
    ["x-latin", "caf\u00e9"],
  ]);
});

test("trailers of the answer arrive after its body", async () => {
  const { session, key } = await tunnelTo((_request, response) => {
    response.writeHead(200, { trailer: "x-sum" });
    response.write("body");
    response.addTrailers([["x-sum", "42"]]);
    response.end();
  });
  const answer = await exchange(session, openHead(key));
  expect(await text(answer.body)).toBe("body");
  expect(answer.trailers).toEqual([["x-sum", "42"]]);
});

test("informational responses come before the final one", async () => {
  const { session, key } = await tunnelTo((_request, response) => {
    response.writeEarlyHints({ link: "</style.css>; rel=preload" });
    response.end("done");
  });
  const answer = await exchange(session, openHead(key));
  expect(answer.informational).toEqual([{ status: 103, fields: [["link", "</style.css>; rel=preload"]] }]);
  expect(await text(answer.body)).toBe("done");
});

test.each(["GET", "HEAD", "POST", "PUT"])(
  "100 (Continue), which nobody asked for, is no answer to %s",
  async (method) => {
    const bodyless = method === "GET" || method === "HEAD";
    const answer =
      "HTTP/1.1 100 Continue\r\nX-Note: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" +
      `HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${method === "HEAD" ? "" : "HTTP/1.1 100"}`;
    let connections = 0;
    const port = await startRawPod((socket) => {
      connections += 1;
      let received = "";
      socket.on("data", (chunk) => {
        received += chunk.toString();
        if (!received.endsWith(bodyless ? "\r\n\r\n" : "body")) return;
        received = "";
        // In two pieces, the first of which ends within a head.
        socket.write(answer.slice(0, 30), () => setImmediate(() => socket.write(answer.slice(30))));
      });
    });
    const { session, key } = await tunnelToPort(port);
    for (let count = 0; count < 3; count++) {
      const head = openHead(key, { method, fields: bodyless ? [] : [["content-length", "4"]] });
      async function* body() {
        yield Buffer.from("body");
      }
      const {
        head: final,
        informational,
        body: received,
      } = await exchange(session, head, bodyless ? undefined : body());
      expect([final.status, await text(received)]).toEqual([200, method === "HEAD" ? "" : "HTTP/1.1 100"]);
      expect(informational.map(({ status }) => status)).toEqual([103]);
    }
    // undici keeps no connection after HEAD.
    expect(connections).toBe(method === "HEAD" ? 3 : 1);
  },
);

test.each([
  ["HEAD", 200],
  ["GET", 204],
  ["GET", 304],
])("%s answered %d has no body and keeps its fields", async (method, status) => {
  const { session, key } = await tunnelTo((_request, response) => {
    const length = method === "HEAD" ? { "content-length": "1000" } : {};
    response.writeHead(status, { etag: '"1"', ...length }).end();
  });
  const answer = await exchange(session, openHead(key, { method }));
  expect(answer.head.status).toBe(status);
  expect(answer.head.fields).toContainEqual(["etag", '"1"']);
  if (method === "HEAD") expect(answer.head.fields).toContainEqual(["content-length", "1000"]);
  expect(await text(answer.body)).toBe("");
});

test("50 MB go through and come back unchanged", async () => {
  const { session, key } = await tunnelTo((request, response) => {
    request.pipe(response);
  });
  const chunk = randomBytes(256 * 1024);
  const sent = createHash("sha256");
  const received = createHash("sha256");
  async function* upload() {
    for (let count = 0; count < 200; count++) {
      sent.update(chunk);
      yield chunk;
    }
  }
  const answer = await exchange(session, openHead(key, { method: "POST" }), upload());
  for await (const part of answer.body as AsyncIterable<Buffer>) received.update(part);
  expect(received.digest("hex")).toBe(sent.digest("hex"));
});

test("a client that does not read holds the pod back", async () => {
  let writtenBytes = 0;
  const stalled = Promise.withResolvers<void>();
  const { session, key } = await tunnelTo((request, response) => {
    if (request.method === "HEAD") return void response.end();
    const chunk = Buffer.alloc(64 * 1024);
    const write = () => {
      while (writtenBytes < 64 * 1024 * 1024) {
        writtenBytes += chunk.length;
        if (!response.write(chunk)) {
          if (writtenBytes > 512 * 1024) stalled.resolve();
          return void response.once("drain", write);
        }
      }
      response.end();
    };
    write();
  });
  const stream = session.open(openHead(key), { onReset: () => undefined, onData: () => undefined }, true)!;
  await stalled.promise;
  // The other streams of the connection do not notice.
  const answer = await exchange(session, openHead(key, { method: "HEAD" }));
  expect(answer.head.status).toBe(200);
  expect(stream.unconsumedBytes).toBeLessThanOrEqual(256 * 1024);
  expect(writtenBytes).toBeLessThan(16 * 1024 * 1024);
  stream.reset("cancelled");
});

test("server-sent events arrive one by one, each before the next is written", async () => {
  const next: (() => void)[] = [];
  const { session, key } = await tunnelTo((_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const events = [1, 2, 3];
    const write = () => {
      const event = events.shift();
      if (event === undefined) return void response.end();
      response.write(`data: ${event}\n\n`);
    };
    next.push(write);
    write();
  });
  const answer = await exchange(session, openHead(key));
  for (const event of [1, 2, 3]) {
    const [chunk] = (await once(answer.body, "data")) as [Buffer];
    expect(chunk.toString()).toBe(`data: ${event}\n\n`);
    next[0]!();
  }
  await once(answer.body, "end");
});

test("an answer before the request's body was read is passed on, and the rest of the body goes nowhere", async () => {
  const { session, key } = await tunnelTo((_request, response) => {
    response.writeHead(413, { connection: "close" }).end("too large");
  });
  const uploaded = Promise.withResolvers<void>();
  async function* upload() {
    for (let count = 0; count < 200; count++) yield Buffer.alloc(64 * 1024);
    uploaded.resolve();
  }
  const answer = await exchange(session, openHead(key, { method: "POST" }), upload());
  expect(answer.head.status).toBe(413);
  expect(await text(answer.body)).toBe("too large");
  await uploaded.promise;
});

test("a client that goes away ends the request at the pod", async () => {
  const gone = Promise.withResolvers<void>();
  const { session, key } = await tunnelTo((request, response) => {
    response.write("first");
    request.on("close", () => gone.resolve());
  });
  const answer = await exchange(session, openHead(key));
  answer.stream.reset("cancelled");
  await gone.promise;
});

test("nobody listens: connect_failed, safe to try elsewhere", async () => {
  const { session, key } = await tunnelToPort(await closedPort());
  await expect(exchange(session, openHead(key, { method: "POST" }))).rejects.toMatchObject({
    reset: { code: "connect_failed", safe: true, detail: expect.stringContaining("ECONNREFUSED") },
  });
});

test("a pod that closes before it answers: endpoint_reset, not safe", async () => {
  const port = await startRawPod((socket) => socket.once("data", () => socket.end()));
  const { session, key } = await tunnelToPort(port);
  await expect(exchange(session, openHead(key, { method: "POST" }))).rejects.toMatchObject({
    reset: { code: "endpoint_reset", safe: false },
  });
});

test("a pod that dies in the middle of its answer: the head, what came, and a reset", async () => {
  const { session, key } = await tunnelTo((_request, response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("part", () => response.socket!.resetAndDestroy());
  });
  const answer = await exchange(session, openHead(key));
  expect(answer.head.status).toBe(200);
  answer.body.resume();
  const [error] = (await once(answer.body, "error")) as [Error];
  expect(error).toMatchObject({ reset: { code: "endpoint_reset" } });
});

test("an answer that is not HTTP: endpoint_protocol_error", async () => {
  const port = await startRawPod((socket) =>
    socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.7\r\n")),
  );
  const { session, key } = await tunnelToPort(port);
  await expect(exchange(session, openHead(key))).rejects.toMatchObject({
    reset: { code: "endpoint_protocol_error" },
  });
});

test("an idle connection that the pod closes is no failure: a request without a body is sent again", async () => {
  let connections = 0;
  const answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
  const port = await startRawPod((socket) => {
    connections += 1;
    let requests = 0;
    // The first connection answers once and closes when it is used again, as a pod that has just timed it out does.
    socket.on("data", () => {
      requests += 1;
      if (connections === 1 && requests > 1) socket.resetAndDestroy();
      else socket.write(answer);
    });
  });
  const { session, key } = await tunnelToPort(port);
  for (let count = 0; count < 2; count++) {
    expect(await text((await exchange(session, openHead(key))).body)).toBe("ok");
  }
  expect(connections).toBe(2);
});

test("a stream to an endpoint that is not in the agent's configuration is refused", async () => {
  const { session, agent, key } = await tunnelTo((_request, response) => response.end());
  await expect(exchange(session, openHead("pods|10.9.9.9:80"))).rejects.toMatchObject({
    reset: { code: "endpoint_not_allowed", safe: true },
  });
  await expect(agent.log.find(({ event }) => event === "stream_refused")).resolves.toMatchObject({
    endpoint: "pods|10.9.9.9:80",
    connection: expect.any(String),
  });
  expect((await exchange(session, openHead(key))).head.status).toBe(200);
});

test("an endpoint in the configuration but outside the allow list is refused", async () => {
  const pod = await startPod((_request, response) => response.end());
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  await fixture.startAgent(edge, { allow: ["10.0.0.0/8"] });
  const { session } = await configured(edge);
  await expect(exchange(session, openHead(podKey(pod.port)))).rejects.toMatchObject({
    reset: { code: "endpoint_not_allowed", safe: true },
  });
});

test("an endpoint with a host name is checked by the address it resolves to", async () => {
  const pod = await startPod((_request, response) => response.end("local"));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port], { address: "localhost" }) });
  await fixture.startAgent(edge, { allow: [`127.0.0.1:${pod.port}`] });
  const { session } = await configured(edge);
  const answer = await exchange(session, openHead(podKey(pod.port, "localhost")));
  expect(await text(answer.body)).toBe("local");
});
