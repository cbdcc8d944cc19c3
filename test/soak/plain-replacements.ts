// The long run of test/plain-replacement.test.ts: `npm run soak -- plain-replacements [REPLACEMENTS]` (default 50); ends with
// 1 when a request failed.
import { startEchoServer } from "../system/echo-server.ts";
import { startSystem } from "../system/isthmus.ts";
import { startPlainLoad } from "../system/plain-load.ts";
import { freePorts } from "../system/process.ts";

const replacements = Number(process.argv[2] ?? 50);
const origin = await startEchoServer("origin");
origin.server.keepAliveTimeout = 60_000;
const [port] = (await freePorts(1)) as [number];
const system = await startSystem(`
listeners: [{ name: web, protocol: HTTP, port: ${port} }]
routes: [{ name: all, rules: [{ backendRefs: [{ name: b }] }] }]
backends: [{ name: b, endpoints: [{ address: 127.0.0.1, port: ${origin.port} }] }]
`);
const startedMs = Date.now();
const load = startPlainLoad(port);
for (let round = 1; round <= replacements; round += 1) {
  const reloaded = await system.run("reload", "--process", "gateway-1");
  if (reloaded.code !== 0) throw new Error(reloaded.stderr);
}
const failures = await load.stop();
const seconds = (Date.now() - startedMs) / 1000;
await system.stop();
await origin.stop();
console.log(failures.join("\n"));
const rates = load.answers().map((count) => (count / seconds).toFixed(0));
console.log(
  `${replacements} replacements, ${failures.length} failures; answers/s of each kind: ${rates.join(", ")}`,
);
process.exit(failures.length === 0 ? 0 : 1);
