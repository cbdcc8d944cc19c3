// `npm run bench -- tunnel`: requests and transfers through the tunnel, beside the same gateway without it and beside other
// tunnels. One core has the edge, the other one the agent, the origin and the load. A ratio of 1 is the direct path.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { BulkLoad } from "./load/bulk-load.ts";
import { bulkLoad, generator, holdStreams, load, steadyLoad } from "./load/load.ts";
import { gateway, tunnelGateway } from "./peers/isthmus.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import { haproxyTls, rathole, ssh, tlsPipe } from "./peers/tunnels.ts";
import { available, freePort, loadCore, processorUs, residentKiB, start, until } from "./process.ts";

interface Plan {
  rounds: number;
  seconds: number;
  connections: number;
  transfers: number;
  transferBytes: number;
  /** Small requests beside a transfer. */
  perSecond: number;
  heldStreams: number;
}

interface Row {
  peer: Peer;
  running: RunningPeer;
  /** What was measured, by the name of its column, a value for each round. */
  values: Map<string, number[]>;
}

export async function benchTunnel(quick: boolean): Promise<void> {
  const plan: Plan = {
    rounds: quick ? 1 : 5,
    seconds: quick ? 1 : 3,
    connections: 32,
    transfers: 4,
    transferBytes: 100e6,
    perSecond: 50,
    heldStreams: quick ? 100 : 1_000,
  };
  const peers = [
    gateway({ name: "Isthmus, direct", routeCount: 10 }),
    tunnelGateway("Isthmus, tunnel"),
    haproxyTls,
    tlsPipe,
    ssh,
    rathole,
  ];
  const directory = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  const originPort = await freePort();
  const origin = start(
    process.execPath,
    [join(import.meta.dirname, "tunnel/origin.ts"), String(originPort)],
    loadCore,
  );
  const rows: Row[] = [];
  try {
    await until("the origin", async () => (await fetch(`http://127.0.0.1:${originPort}/`)).ok, origin);
    for (const [index, peer] of peers.entries()) {
      if (peer.needs && !available(peer.needs)) {
        console.log(`${peer.name}: left out, ${peer.needs} is not installed`);
        continue;
      }
      const own = join(directory, String(index));
      await mkdir(own);
      rows.push({ peer, running: await peer.start({ originPort, directory: own }), values: new Map() });
    }
    await measure(rows, plan);
    print(rows, plan);
  } finally {
    await Promise.all(rows.map(({ running }) => running.stop()));
    await origin.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(rows: Row[], plan: Plan): Promise<void> {
  for (const { running } of rows)
    await load({ ...target(running), connections: plan.connections, seconds: 1 });
  for (let round = 0; round < plan.rounds; round += 1) {
    for (const row of rows) await measureRequests(row, plan);
    for (const row of rows) await measureTransfers(row, plan, "download");
    for (const row of rows) await measureTransfers(row, plan, "upload");
    for (const row of rows) await measureBeside(row, plan);
  }
  for (const row of rows) await measureMemory(row, plan);
}

const target = ({ url, host }: RunningPeer): { url: string; host: string } => ({ url, host });

async function measureRequests(row: Row, { connections, seconds }: Plan): Promise<void> {
  const meter = startMeter(row.running);
  const result = await load({ ...target(row.running), connections, seconds });
  const { nearMs, farMs } = meter();
  const requests = result.requestsPerSecond * seconds;
  add(row, "requests/s", result.requestsPerSecond);
  add(row, "p50 ms", result.p50Ms);
  add(row, "p99 ms", result.p99Ms);
  add(row, "edge µs/request", (nearMs * 1_000) / requests);
  add(row, "agent µs/request", (farMs * 1_000) / requests);
  add(row, "failures", result.failures);
}

async function measureTransfers(row: Row, plan: Plan, direction: BulkLoad["direction"]): Promise<void> {
  const meter = startMeter(row.running);
  const result = await bulkLoad(transfers(row, plan, direction, plan.transfers, plan.seconds));
  const { nearMs, farMs } = meter();
  const gigabytes = (result.megabytesPerSecond * plan.seconds) / 1_000;
  add(row, `${direction} MB/s`, result.megabytesPerSecond);
  add(row, `${direction} edge s/GB`, nearMs / 1_000 / gigabytes);
  add(row, `${direction} agent s/GB`, farMs / 1_000 / gigabytes);
  add(row, "failures", result.failures);
}

const transfers = (
  { running }: Row,
  { transferBytes: bytes }: Plan,
  direction: BulkLoad["direction"],
  connections: number,
  seconds: number,
): BulkLoad => ({ ...target(running), direction, connections, bytes, seconds });

/** Small requests at a constant rate: alone, then beside one transfer. */
async function measureBeside(row: Row, plan: Plan): Promise<void> {
  const small = async (): Promise<number> => {
    const steady = steadyLoad({ ...target(row.running), perSecond: plan.perSecond });
    await delay(plan.seconds * 1_000);
    const latenciesMs = (await steady.stop()).map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    return latenciesMs[Math.floor((latenciesMs.length - 1) * 0.99)] ?? Number.NaN;
  };
  add(row, "p99 ms alone", await small());
  const transfer = bulkLoad(transfers(row, plan, "download", 1, plan.seconds + 1));
  await delay(500);
  add(row, "p99 ms beside bulk", await small());
  await transfer;
}

/** Growth of all processes of an end, in KiB for each stream. What has grown before stays grown, hence the rehearsal. */
async function measureMemory(row: Row, { heldStreams }: Plan): Promise<void> {
  for (const [kind, path] of [
    ["idle", "/held"],
    ["active", "/trickle"],
  ] as const) {
    const hold = (count: number): ReturnType<typeof holdStreams> =>
      holdStreams({ ...target(row.running), path, count });
    await (await hold(Math.ceil(heldStreams / 10))).stop();
    await delay(settleMs);
    const before = resident(row.running);
    const held = await hold(heldStreams);
    await delay(settleMs);
    const after = resident(row.running);
    await held.stop();
    add(row, `${kind} edge KiB`, (after.near - before.near) / heldStreams);
    add(row, `${kind} agent KiB`, (after.far - before.far) / heldStreams);
  }
}

const settleMs = 3_000;

function resident({ running, far }: RunningPeer): { near: number; far: number } {
  const of = (pid: number | undefined): number => (pid === undefined ? 0 : residentKiB(pid));
  return { near: of(running.process.pid), far: of(far?.process.pid) };
}

/** Call the result for the processor time that both ends have used meanwhile. */
function startMeter({ running, far }: RunningPeer): () => { nearMs: number; farMs: number } {
  const read = (): [number, number] => [
    processorUs(running.process.pid!) / 1_000,
    far ? processorUs(far.process.pid!) / 1_000 : 0,
  ];
  const [nearMs, farMs] = read();
  return () => {
    const [near, far] = read();
    return { nearMs: near - nearMs, farMs: far - farMs };
  };
}

function add({ values }: Row, column: string, value: number): void {
  values.set(column, [...(values.get(column) ?? []), value]);
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

function print(rows: Row[], plan: Plan): void {
  const { rounds, seconds, connections, transfers: bulk, heldStreams } = plan;
  console.log(`\ntunnel: medians of ${rounds} rounds of ${seconds} s, load by ${generator}`);
  const value = ({ values }: Row, column: string): number => median(values.get(column) ?? [Number.NaN]);
  const table = (title: string, columns: string[], ratioOf?: string): void => {
    console.log(title);
    console.table(
      rows.map((row) => ({
        peer: row.peer.name,
        ...(ratioOf && { ratio: round(value(row, ratioOf) / value(rows[0]!, ratioOf)) }),
        ...Object.fromEntries(columns.map((column) => [column, round(value(row, column))])),
      })),
    );
  };
  table(
    `small requests, ${connections} connections`,
    ["requests/s", "p50 ms", "p99 ms", "edge µs/request", "agent µs/request"],
    "requests/s",
  );
  for (const direction of ["download", "upload"]) {
    const columns = ["MB/s", "edge s/GB", "agent s/GB"].map((column) => `${direction} ${column}`);
    table(`${direction}, ${bulk} connections`, columns, columns[0]);
  }
  table(`${plan.perSecond} small requests/s, alone and beside one transfer`, [
    "p99 ms alone",
    "p99 ms beside bulk",
  ]);
  const memory = ["idle", "active"].flatMap((kind) => [`${kind} edge KiB`, `${kind} agent KiB`]);
  table(`memory for each of ${heldStreams.toLocaleString("en")} streams`, memory);
  for (const { peer, values } of rows) {
    const failures = (values.get("failures") ?? []).reduce((sum, count) => sum + count, 0);
    if (failures > 0) console.log(`${peer.name}: ${failures} failures`);
  }
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
