// The agent as a process: flags, exit codes, signals, memory.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { configured, createFixture, podConfig, podKey, tunnel } from "./testing/agent-fixture.ts";
import type { Fixture, LogLine } from "./testing/agent-fixture.ts";
import { exchange, openHead, ResetError, text } from "./testing/exchange.ts";
import { Journal } from "./testing/journal.ts";
import { startPod } from "./testing/pod.ts";

const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
const main = fileURLToPath(new URL("main.ts", import.meta.url));

function run(args: readonly string[]) {
  const child = spawn(node, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const log = new Journal<LogLine>();
  let output = "";
  let rest = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    const lines = (rest + chunk.toString()).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("{")) log.add(JSON.parse(line) as LogLine);
  });
  const exited = once(child, "exit").then(([code]) => code as number | null);
  return { child, log, exited, output: () => output };
}

const agentFlags = (fixture: Fixture, url: string): string[] => {
  const identity = ["--join-token-file", fixture.tokenFile, "--ca-file", fixture.caFile];
  const local = ["--allow", "127.0.0.0/8", "--data", join(fixture.dir, "data")];
  return ["--edge", url, "--tunnel", tunnel, ...identity, ...local];
};

/** Largest resident set so far, in bytes. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)![1]) * 1024;
}

test("no allow list: refuses to start, says what to give, exit code 2", async () => {
  const { exited, output } = run([
    "--edge",
    "https://127.0.0.1:1",
    "--tunnel",
    tunnel,
    "--ca-file",
    "x",
    "--data",
    "y",
  ]);
  expect(await exited).toBe(2);
  expect(output()).toContain("allow is missing");
  expect(output()).toContain("--allow CIDR[:PORT]");
  expect(output()).not.toContain("    at ");
});

test.each([
  ["--allow", "pods.example"],
  ["--unknown", "x"],
])("%s %s is a usage error without a stack trace", async (...args) => {
  const fixture = await createFixture();
  const { exited, output } = run([...agentFlags(fixture, "https://127.0.0.1:1"), ...args]);
  expect(await exited).not.toBe(0);
  expect(output()).toContain(args[0] === "--allow" ? args[1] : args[0]);
  expect(output()).not.toContain("    at ");
});

test("SIGTERM finishes what is in flight and exits 0; the ready file tells when it serves", async () => {
  const finish = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const pod = await startPod((_request, response) => {
    arrived.resolve();
    void finish.promise.then(() => response.end("finished"));
  });
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const readyFile = join(fixture.dir, "ready");
  const agent = run([...agentFlags(fixture, edge.url), "--ready-file", readyFile]);
  const { session } = await configured(edge);
  await agent.log.find(({ event }) => event === "ready");
  expect(existsSync(readyFile)).toBe(true);

  const answer = exchange(session, openHead(podKey(pod.port)));
  await arrived.promise;
  agent.child.kill("SIGTERM");
  await edge.events.find((event) => event.type === "draining" && event.connection.session === session);
  finish.resolve();
  expect(await text((await answer).body)).toBe("finished");
  expect(await agent.exited).toBe(0);
});

test("a second signal exits at once", async () => {
  const pod = await startPod((_request, response) => void response.write("forever"));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const agent = run(agentFlags(fixture, edge.url));
  const { session } = await configured(edge);
  const answer = await exchange(session, openHead(podKey(pod.port)));
  answer.body.on("error", () => undefined);
  agent.child.kill("SIGTERM");
  await agent.log.find(({ event }) => event === "signal");
  agent.child.kill("SIGTERM");
  expect(await agent.exited).toBe(1);
});

test("SIGHUP: the allow list changes under a stream that goes on; what needs a restart is named; nonsense changes nothing", async () => {
  const finish = Promise.withResolvers<void>();
  const arrived = Promise.withResolvers<void>();
  const pod = await startPod((request, response) => {
    if (request.url !== "/slow") return void response.end("at once");
    arrived.resolve();
    void finish.promise.then(() => response.end("finished"));
  });
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const config = join(fixture.dir, "agent.yaml");
  const rule = `127.0.0.0/8:${pod.port}`;
  await writeFile(config, `allow: ["${rule}"]`);
  const flags = agentFlags(fixture, edge.url).filter((flag) => flag !== "--allow" && flag !== "127.0.0.0/8");
  const agent = run([...flags, "--config", config]);
  const { session } = await configured(edge);
  const ask = async (): Promise<string> => text((await exchange(session, openHead(podKey(pod.port)))).body);
  const reload = async (content: string, event: string): Promise<LogLine> => {
    await writeFile(config, content);
    const line = agent.log.find((one) => one.event === event, agent.log.entries.length);
    agent.child.kill("SIGHUP");
    return line;
  };
  const slow = exchange(session, openHead(podKey(pod.port), { target: "/slow" }));
  await arrived.promise;
  expect(await ask()).toBe("at once");

  expect(await reload("allow: [10.0.0.0/8]", "reloaded")).toMatchObject({ changed: "allow" });
  // Not even over the connection that is kept.
  await expect(ask()).rejects.toSatisfy(
    (error) => error instanceof ResetError && error.reset.code === "endpoint_not_allowed",
  );
  expect(await reload("allow: [nonsense]", "reload_failed")).toMatchObject({ code: "options_invalid" });
  expect(await reload("allow: [", "reload_failed")).toMatchObject({ code: "options_invalid" });
  const ignored = await reload(`{ allow: ["${rule}"], zone: elsewhere }`, "reload_ignored");
  expect(ignored).toMatchObject({ options: "zone" });
  expect(await ask()).toBe("at once");
  finish.resolve();
  expect(await text((await slow).body)).toBe("finished");
});

test("128 MiB in both directions at once leave the agent's memory flat", async () => {
  const pod = await startPod((request, response) => void request.pipe(response));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]) });
  const agent = run(agentFlags(fixture, edge.url));
  const { session } = await configured(edge);
  const chunk = randomBytes(256 * 1024);
  const echo = async (totalBytes: number) => {
    async function* upload() {
      for (let bytes = 0; bytes < totalBytes; bytes += chunk.length) yield chunk;
    }
    const answer = await exchange(session, openHead(podKey(pod.port), { method: "POST" }), upload());
    let receivedBytes = 0;
    for await (const part of answer.body as AsyncIterable<Buffer>) receivedBytes += part.length;
    expect(receivedBytes).toBe(totalBytes);
  };
  // The first transfer brings code and buffers to their working size; a second, larger one must not add its own. How far
  // the heap goes between two collections differs from run to run, by some 40 MiB.
  await echo(32 * 1024 * 1024);
  const before = await peakBytes(agent.child.pid!);
  await echo(128 * 1024 * 1024);
  const growthBytes = (await peakBytes(agent.child.pid!)) - before;
  expect(growthBytes).toBeLessThan(64 * 1024 * 1024);
}, 120_000);
