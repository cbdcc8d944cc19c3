// `npm run bench -- failover`: an endpoint of three falls ill, recovers, is killed and comes back, under constant load; the
// gateway beside HAProxy, with the same checks, on the same schedule. All figures are what a client sees.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startPacedLoad, type PacedRequest } from "./load/paced-load.ts";
import { failoverHaproxy } from "./peers/haproxy.ts";
import { gateway } from "./peers/isthmus.ts";
import type { Peer } from "./peers/peer.ts";
import { available, freePort, loadCore, start, until, type Running } from "./process.ts";

const requestsPerSecond = 300;

/** Of both: an active check every 500 ms, two in a row decide; five errors in a row of requests take an endpoint out. */
const isthmusBackend = (ports: readonly number[]): string => `
      endpoints: [${ports.map((port) => `{ address: 127.0.0.1, port: ${port} }`).join(", ")}]
      healthCheck:
        active: { type: HTTP, interval: 500ms, timeout: 400ms, unhealthyThreshold: 2, healthyThreshold: 2, http: { path: / } }
        passive: { consecutiveGatewayErrors: 5, baseEjectionTime: 1s }`;

export async function benchFailover(quick: boolean): Promise<void> {
  const phaseMs = quick ? 2_500 : 4_000;
  console.log(
    `\nfailover: ${requestsPerSecond} requests/s to three endpoints; one answers 503, is well again, is killed and starts ` +
      `again, ${phaseMs / 1_000} s each`,
  );
  const rows = [];
  for (const peerOf of [failoverIsthmus, failoverHaproxy]) {
    const row = await measure(peerOf, phaseMs);
    if (row) rows.push(row);
  }
  console.table(rows);
}

function failoverIsthmus(ports: readonly number[]): Peer {
  return gateway({ name: "Isthmus", routeCount: 10, backend: () => isthmusBackend(ports).slice(1) });
}

async function measure(
  peerOf: (ports: readonly number[]) => Peer,
  phaseMs: number,
): Promise<Record<string, string | number> | undefined> {
  const ports = [await freePort(), await freePort(), await freePort()];
  const peer = peerOf(ports);
  if (peer.needs && !available(peer.needs)) {
    console.log(`${peer.name}: left out, ${peer.needs} is not installed`);
    return undefined;
  }
  const directory = await mkdtemp(join(tmpdir(), "isthmus-failover-"));
  const origins = await Promise.all(ports.map(startOrigin));
  const mortal = String(ports[1]);
  await mkdir(join(directory, "peer"));
  const running = await peer.start({ originPort: ports[0]!, directory: join(directory, "peer") });
  try {
    await delay(1_500);
    const load = startPacedLoad(running.url, running.host, requestsPerSecond);
    const turn = async (act: () => void | Promise<void>): Promise<number> => {
      const atMs = performance.now();
      await act();
      await delay(phaseMs);
      return atMs;
    };
    const sick = (): void => void origins[1]!.process.kill("SIGUSR2");
    await delay(1_000);
    const sickMs = await turn(sick);
    const wellMs = await turn(sick);
    const killedMs = await turn(() => void origins[1]!.process.kill("SIGKILL"));
    const backMs = await turn(async () => void (origins[1] = await startOrigin(ports[1]!)));
    const requests = await load.stop();
    return {
      peer: peer.name,
      requests: requests.length,
      ...figures(requests, mortal, [sickMs, wellMs, killedMs, backMs]),
    };
  } finally {
    await running.stop();
    await Promise.all(origins.map((origin) => origin.stop()));
    await rm(directory, { recursive: true, force: true });
  }
}

async function startOrigin(port: number): Promise<Running> {
  const running = start(
    process.execPath,
    [join(import.meta.dirname, "peers/mortal-origin.ts"), String(port)],
    loadCore,
  );
  await until("an origin", async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, running);
  return running;
}

function figures(
  requests: readonly PacedRequest[],
  mortal: string,
  [sickMs, wellMs, killedMs, backMs]: readonly [number, number, number, number],
): Record<string, string | number> {
  const between = (fromMs: number, toMs: number): PacedRequest[] =>
    requests.filter(({ sentMs }) => sentMs >= fromMs && sentMs < toMs);
  const failed = (some: readonly PacedRequest[]): number =>
    some.filter(({ status }) => status !== 200).length;
  const returned = (fromMs: number, toMs: number): string =>
    after(
      fromMs,
      between(fromMs, toMs).find(({ servedBy, status }) => servedBy === mortal && status === 200),
    );
  const whileSick = between(sickMs, wellMs);
  const whileDead = between(killedMs, backMs);
  return {
    "failed while ill": failed(whileSick),
    "ejected after": after(
      sickMs,
      whileSick.findLast(({ status }) => status !== 200),
    ),
    "returned after": returned(wellMs, killedMs),
    "failed when killed": failed(whileDead),
    "slowest then, ms": Math.round(Math.max(...whileDead.map(({ latencyMs }) => latencyMs))),
    "returned after start": returned(backMs, Infinity),
    "failed else": failed(requests) - failed(whileSick) - failed(whileDead),
  };
}

function after(fromMs: number, request: PacedRequest | undefined): string {
  return request ? `${((request.sentMs - fromMs) / 1_000).toFixed(2)} s` : "never";
}
