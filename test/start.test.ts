// `npm start`: what a visitor does first must work, and leave nothing behind.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { once } from "node:events";
import { ask } from "./system/http.ts";
import { freePorts, startProgram } from "./system/process.ts";

const cli = resolve(import.meta.dirname, "../cli/isthmus.mjs");

test("the demo: canary, www, TLS, WebSocket, upload and download through the tunnel; Ctrl-C ends all of it", async () => {
  const [http, https, control, tunnel] = (await freePorts(4)) as [number, number, number, number];
  const demo = startProgram([
    cli,
    "start",
    `--http-port=${http}`,
    `--https-port=${https}`,
    `--control-port=${control}`,
    `--tunnel-port=${tunnel}`,
  ]);
  try {
    const [, data] = await demo.printed(/status --data (\S+)/, 60_000);
    expect(demo.output().match(/^ {2}curl /gm)).toHaveLength(3);

    const api = { port: http, host: `api.localhost:${http}` };
    const pods = new Map<string, number>();
    for (let count = 0; count < 200; count += 1) {
      const pod = String((await ask(api)).headers["x-pod"]);
      pods.set(pod, (pods.get(pod) ?? 0) + 1);
    }
    // 10 % of 200 is 20, σ is 4.2; four and a half of those on either side.
    expect([...pods.keys()].toSorted()).toEqual(["api-v1", "api-v2"]);
    expect(Math.abs(pods.get("api-v2")! - 20)).toBeLessThanOrEqual(19);
    expect((await ask({ ...api, headers: { "x-canary": "always" } })).headers["x-pod"]).toBe("api-v2");

    const www = { port: http, host: "www.localhost" };
    expect((await ask(www)).headers["x-pod"]).toBe("web");
    expect((await ask({ ...www, port: https, tls: {} })).headers["x-pod"]).toBe("web");
    expect((await ask({ port: http, host: "other.localhost" })).status).toBe(404);

    const upload = await ask({ ...api, method: "POST", body: Buffer.alloc(8 * 1024 * 1024) });
    expect(JSON.parse(upload.body)).toMatchObject({ receivedBytes: 8 * 1024 * 1024 });
    expect((await ask({ ...api, path: "/bytes/8388608" })).body).toHaveLength(8 * 1024 * 1024);

    const socket = new WebSocket(`ws://127.0.0.1:${http}/any`, { headers: { host: api.host } });
    await once(socket, "open");
    socket.send("hello");
    expect(String((await once(socket, "message"))[0])).toBe("hello");
    socket.close();

    demo.child.kill("SIGINT");
    expect(await demo.exited).toBe(0);
    expect(existsSync(data!)).toBe(false);
    for (const port of [http, https, control, tunnel]) {
      await expect(ask({ port, host: "www.localhost" })).rejects.toThrow("ECONNREFUSED");
    }
  } finally {
    await demo.stop();
  }
});
