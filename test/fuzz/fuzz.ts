// Random configurations and requests through a running gateway: every answer is the one that the naive matcher, which reads
// the configuration literally, expects. So nothing crashes, and no 5xx is of the gateway's making.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as fc from "fast-check";
import { parseHost } from "#traffic/match/host.ts";
import { naiveMatch } from "#traffic/match/naive-matcher.ts";
import { normalizePath } from "#traffic/match/path.ts";
import { AdminClient } from "../../cli/admin-client.ts";
import { startEchoServer, type Echo, type EchoServer } from "../system/echo-server.ts";
import { ask, type Answer } from "../system/http.ts";
import { startSystem, type System } from "../system/isthmus.ts";
import { eventually, freePorts } from "../system/process.ts";
import { fuzzConfigs, type FuzzConfig, type FuzzPorts } from "./random-config.ts";
import { fuzzRequests, type FuzzRequest } from "./random-request.ts";

export interface FuzzedSystem {
  /** Publishes the configuration of a seed and asks; resolves to how many requests matched a rule. */
  round(seed: number, requests: number): Promise<{ asked: number; matched: number }>;
  stop(): Promise<void>;
}

export async function startFuzzedSystem(): Promise<FuzzedSystem> {
  const origins = await Promise.all(["one", "two", "three"].map((name) => startEchoServer(name)));
  const [web, secure] = (await freePorts(2)) as [number, number];
  const ports = { web, secure, origins: origins.map(({ port }) => port) };
  const first = fc.sample(fuzzConfigs(ports, "start"), { seed: 0, numRuns: 1 })[0]!;
  const system = await startSystem(first.content, ["--dev-tls", "--processes", "1"]);
  const token = (await readFile(join(system.dataDirectory, "admin-token"), "utf8")).trim();
  const client = new AdminClient({ url: `http://127.0.0.1:${system.controlPort}`, token });
  return {
    async round(seed, requests) {
      const config = fc.sample(fuzzConfigs(ports, String(seed)), { seed, numRuns: 1 })[0]!;
      await publish(client, config, ports, seed);
      const sample = fc.sample(fuzzRequests, { seed, numRuns: requests });
      let matched = 0;
      for (let start = 0; start < sample.length; start += 16) {
        const batch = sample.slice(start, start + 16);
        const results = await Promise.all(batch.map((request) => tryOne(ports, config, request, seed)));
        matched += results.filter(Boolean).length;
      }
      return { asked: sample.length, matched };
    },
    stop: () => stopAll(system, origins),
  };
}

async function stopAll(system: System, origins: readonly EchoServer[]): Promise<void> {
  const output = system.program.output();
  await system.stop();
  await Promise.all(origins.map((origin) => origin.stop()));
  if (/gateway-1 pid=\d+ (?:ended|exited|crashed)|"error":"internal"/.test(output)) {
    throw new Error(`the gateway failed:\n${output.slice(-4_000)}`);
  }
}

async function publish(
  client: AdminClient,
  config: FuzzConfig,
  ports: FuzzPorts,
  seed: number,
): Promise<void> {
  const files = [{ name: "fuzz.json", content: config.content }];
  await client.publish({ files, reason: `fuzz, seed ${seed}` });
  await eventually(`the configuration of seed ${seed}`, async () => {
    const { body } = await ask({ port: ports.web, host: "marker.test" });
    return body === String(seed);
  });
}

/** Resolves to whether a rule was expected to match. Throws an error with all that is needed to see it again. */
async function tryOne(
  ports: FuzzPorts,
  config: FuzzConfig,
  request: FuzzRequest,
  seed: number,
): Promise<boolean> {
  const expected = expectedOf(config, request);
  const found = await send(ports, request).then(ruleOf, (error: Error) => error.message);
  if (found !== expected) {
    const told = JSON.stringify({ seed, request: { ...request, body: request.body?.length } });
    throw new Error(`expected ${expected}, found ${found}\n${told}\n${config.content}`);
  }
  return expected.includes("/");
}

/** `route/rule`, or the status of a refusal. */
function expectedOf({ snapshot }: FuzzConfig, request: FuzzRequest): string {
  const path = normalizePath(request.rawPath);
  if (path === undefined) return "400";
  const headers: Record<string, string> = { ...request.headers, host: request.host };
  const match = naiveMatch(snapshot, request.listener, {
    method: request.method,
    host: parseHost(request.host)!.hostname,
    path,
    query: request.query,
    clientAddress: request.client,
    header: (name) => headers[name] ?? null,
  });
  return match?.rule.id ?? "404";
}

/** Longer than any request takes here, so that one that hangs is told with its seed. */
const answerMs = 20_000;

/** Rejects when there is no answer. */
function send(ports: FuzzPorts, request: FuzzRequest): Promise<Answer> {
  const { listener, method, host, rawPath, query, headers, client, body } = request;
  const answer = ask({
    port: ports[listener],
    host,
    path: query === "" ? rawPath : `${rawPath}?${query}`,
    method,
    headers: { ...headers, "x-forwarded-for": client },
    ...(body !== undefined && { body }),
    ...(listener === "secure" && { tls: {} }),
  });
  return Promise.race([answer, late()]);
}

function late(): Promise<never> {
  return new Promise((_, fail) => {
    setTimeout(() => fail(new Error("no answer")), answerMs).unref();
  });
}

function ruleOf({ status, headers, body }: Answer): string {
  if (status === 302) return new URL(headers.location!).pathname.slice(1);
  if (status !== 200) return String(status);
  if (!headers["x-served-by"]) return body;
  const echo = JSON.parse(body) as Echo;
  return String(echo.headers["x-rule"]);
}
