// Runs peers side by side: all are started, warmed up, then measured in turn round after round, so that drift of the
// machine hits every one alike. Prints medians and their ratio to the first peer.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, generator, type LoadResult } from "./load/load.ts";
import type { Peer, RunningPeer } from "./peers/peer.ts";
import {
  available,
  freePort,
  loadCore,
  processorMs,
  residentKiB,
  start,
  until,
  type Running,
} from "./process.ts";

export interface CompareOptions {
  title: string;
  rounds: number;
  secondsPerRound: number;
  connections: number;
}

interface Row {
  peer: Peer;
  running: RunningPeer;
  results: LoadResult[];
  /** Processor time per request of each round, in microseconds. */
  costsUs: number[];
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

export async function startOrigin(): Promise<{ port: number; running: Running }> {
  const port = await freePort();
  const running = start(
    process.execPath,
    [join(import.meta.dirname, "peers/origin.ts"), String(port)],
    loadCore,
  );
  await until("the origin", async () => (await fetch(`http://127.0.0.1:${port}/`)).ok, running);
  return { port, running };
}

export async function compare(peers: Peer[], options: CompareOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  const origin = await startOrigin();
  const rows: Row[] = [];
  try {
    for (const [index, peer] of peers.entries()) {
      if (peer.needs && !available(peer.needs)) {
        console.log(`${peer.name}: left out, ${peer.needs} is not installed`);
        continue;
      }
      const own = join(directory, String(index));
      await mkdir(own);
      rows.push({
        peer,
        running: await peer.start({ originPort: origin.port, directory: own }),
        results: [],
        costsUs: [],
      });
    }
    await measure(rows, options);
    print(rows, options);
  } finally {
    await Promise.all(rows.map((row) => row.running.stop()));
    await origin.running.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(rows: Row[], { rounds, secondsPerRound, connections }: CompareOptions): Promise<void> {
  const once = ({ running }: Row, seconds: number): Promise<LoadResult> =>
    load({
      url: running.url,
      host: running.host,
      ...(running.headers && { headers: running.headers }),
      connections,
      seconds,
    });
  for (const row of rows) await once(row, 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const row of rows) {
      const pid = row.running.running.process.pid!;
      const beforeMs = processorMs(pid);
      const result = await once(row, secondsPerRound);
      row.results.push(result);
      const requests = result.requestsPerSecond * secondsPerRound;
      row.costsUs.push(((processorMs(pid) - beforeMs) * 1_000) / requests);
    }
  }
}

function print(rows: Row[], options: CompareOptions): void {
  console.log(
    `\n${options.title}: median of ${options.rounds} rounds of ${options.secondsPerRound} s, ` +
      `${options.connections} connections, load by ${generator}`,
  );
  const first = rows[0];
  if (!first) return;
  const rate = (row: Row): number => median(row.results.map((result) => result.requestsPerSecond));
  console.table(
    rows.map((row) => ({
      peer: row.peer.name,
      "requests/s": Math.round(rate(row)),
      ratio: Number((rate(row) / rate(first)).toFixed(3)),
      // Says more than the rate where other programs use the machine, too.
      "CPU µs/request": Math.round(median(row.costsUs)),
      "p50 ms": Number(median(row.results.map((result) => result.p50Ms)).toFixed(2)),
      "p99 ms": Number(median(row.results.map((result) => result.p99Ms)).toFixed(2)),
      "memory MiB": Math.round(residentKiB(row.running.running.process.pid!) / 1024),
      failures: row.results.reduce((sum, result) => sum + result.failures, 0),
    })),
  );
}
