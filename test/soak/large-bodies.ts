// The long run of the transfers in test/tunnel.test.ts: `npm run soak -- large-bodies [GIB]` (default 10) sends one body down
// and one up through edge, tunnel and agent, compares every byte, and watches the memory of each process (Linux: /proc).
// Ends with 1 when a byte differs, or a process needs more for the whole body than for its first gibibyte.
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { startAgent, startSystem } from "../system/isthmus.ts";
import { freePorts } from "../system/process.ts";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
/** The young generations of Node and workerd still grow after the first gibibyte; a body that is kept would be ten times this. */
const growthMiB = 100;
const host = "large.test";
const totalBytes = Number(process.argv[2] ?? 10) * GiB;
/** Of a prime length, so that a piece that is lost, repeated or moved never fits in its place. */
const block = randomBytes(1_000_003);

function* body(): Generator<Buffer> {
  for (let left = totalBytes; left > 0; left -= block.length)
    yield block.subarray(0, Math.min(left, block.length));
}

/** Compares what arrives with the body; `onBytes` hears how much has come. */
async function receive(incoming: IncomingMessage, onBytes: (bytes: number) => void): Promise<void> {
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    for (let read = 0; read < chunk.length;) {
      const at = bytes % block.length;
      const length = Math.min(chunk.length - read, block.length - at);
      if (chunk.compare(block, at, at + length, read, read + length) !== 0)
        throw new Error(`another byte than was sent, ${bytes} to ${bytes + length}`);
      read += length;
      bytes += length;
    }
    onBytes(bytes);
  }
  if (bytes !== totalBytes) throw new Error(`${bytes} bytes of ${totalBytes}`);
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (incoming.method === "GET") return pipeline(Readable.from(body()), outgoing);
  await receive(incoming, watch);
  outgoing.end("as it was sent");
}

const pod = createServer((incoming, outgoing) => {
  answer(incoming, outgoing).catch((error: Error) => {
    console.error(`pod: ${error.message}`);
    outgoing.destroy();
  });
}).listen(0, "127.0.0.1");
await once(pod, "listening");
const [port] = (await freePorts(1)) as [number];
const system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port}, timeouts: { requestReceived: 1h } }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: pods }] }] }]
backends: [{ name: pods, tunnel: production, endpoints: [{ address: 127.0.0.1, port: ${(pod.address() as AddressInfo).port} }] }]
`);
const agent = await startAgent(system, "production");

/** Highest resident memory so far, in MiB, by process. */
function peaks(): Map<string, number> {
  const started = system.program.output().matchAll(/(\S+) pid=(\d+) started/g);
  const pids = new Map([...started].map(([, name, pid]) => [name!, Number(pid)]));
  pids.set("agent", agent.child.pid!);
  const peak = (pid: number): number =>
    Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;
  return new Map([...pids].map(([name, pid]) => [name, peak(pid)]));
}

/** Peaks when the first gibibyte of the transfer has arrived. */
let first = new Map<string, number>();
function watch(bytes: number): void {
  if (bytes >= GiB && first.size === 0) first = peaks();
}

let failed = false;
async function transfer(method: "GET" | "POST"): Promise<void> {
  first = new Map();
  const startMs = performance.now();
  const outgoing = request({ host: "127.0.0.1", port, method, headers: { host } });
  const [[incoming]] = (await Promise.all([
    once(outgoing, "response"),
    method === "POST" ? pipeline(Readable.from(body()), outgoing) : outgoing.end(),
  ])) as [[IncomingMessage], unknown];
  if (incoming.statusCode !== 200) throw new Error(`${method}: ${incoming.statusCode}`);
  if (method === "GET") await receive(incoming, watch);
  else await incoming.resume().toArray();
  const seconds = (performance.now() - startMs) / 1000;
  console.log(
    `${method === "GET" ? "down" : "up"}: ${totalBytes / GiB} GiB in ${seconds.toFixed(0)} s, every byte as sent`,
  );
  for (const [name, peak] of peaks()) {
    const before = first.get(name) ?? peak;
    failed ||= peak - before > growthMiB;
    console.log(
      `  ${name}: ${before.toFixed(0)} MiB at most in the first gibibyte, ${peak.toFixed(0)} in all`,
    );
  }
}

try {
  await transfer("GET");
  await transfer("POST");
} finally {
  await agent.stop();
  await system.stop();
  pod.close();
}
process.exit(failed ? 1 : 0);
