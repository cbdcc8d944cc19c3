// Runs peers side by side: a peer and its references are under load at the same time, on the same core, round after round.
// What the machine does besides hits them alike, so the processor time of a request against that of a reference in the same
// round says more than rates that are measured one after the other.
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, generator, type LoadResult } from "./load/load.ts";
import type { Peer, PeerContext, RunningPeer } from "./peers/peer.ts";
import {
  available,
  freePort,
  loadCore,
  processorUs,
  residentKiB,
  start,
  until,
  type Running,
} from "./process.ts";

export interface CompareOptions {
  readonly title: string;
  readonly rounds: number;
  readonly secondsPerRound: number;
  /** Of each peer. */
  readonly connections: number;
}

/** One peer in one round. */
interface Sample extends LoadResult {
  /** Processor time per request. */
  readonly costUs: number;
}

interface Row {
  readonly peer: Peer;
  readonly running: RunningPeer;
  readonly samples: Sample[];
  /** Cost of each reference in a round over the peer's own, by reference and round. */
  readonly ratios: number[][];
  memoryMiB: number;
}

/**
 * `references` run all the time, each of `others` only while it is measured: against all of them at once. A ratio below 1
 * is a peer that needs more processor time than the reference.
 */
export async function compare(
  references: readonly Peer[],
  others: readonly Peer[],
  options: CompareOptions,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  const origin = await startOrigin();
  const rows: Row[] = [];
  const startRow = async (peer: Peer): Promise<Row | undefined> => {
    const row = await startPeer(peer, {
      originPort: origin.port,
      directory: join(directory, String(rows.length)),
    });
    if (row) rows.push(row);
    return row;
  };
  try {
    const against: Row[] = [];
    for (const peer of references) against.push(...[await startRow(peer)].filter((row) => row !== undefined));
    for (const peer of others) {
      const row = await startRow(peer);
      if (!row) continue;
      try {
        await measure(row, against, options);
      } finally {
        await row.running.stop();
      }
    }
    print(rows, against, options);
  } finally {
    await Promise.all(rows.map((row) => row.running.stop()));
    await origin.running.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

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

async function startPeer(peer: Peer, context: PeerContext): Promise<Row | undefined> {
  if (peer.needs && !available(peer.needs)) {
    console.log(`${peer.name}: left out, ${peer.needs} is not installed`);
    return undefined;
  }
  await mkdir(context.directory);
  return { peer, running: await peer.start(context), samples: [], ratios: [], memoryMiB: 0 };
}

async function measure(row: Row, against: readonly Row[], options: CompareOptions): Promise<void> {
  const all = [...against, row];
  await sampleAll(all, { ...options, secondsPerRound: 1 });
  for (let round = 0; round < options.rounds; round += 1) {
    const samples = await sampleAll(all, options);
    for (const [index, one] of all.entries()) {
      one.samples.push(samples[index]!);
      against.forEach((_reference, of) => {
        (one.ratios[of] ??= []).push(samples[of]!.costUs / samples[index]!.costUs);
      });
    }
  }
  for (const one of all) one.memoryMiB = Math.round(residentKiB(one.running.running.process.pid!) / 1024);
}

async function sampleAll(
  rows: readonly Row[],
  { connections, secondsPerRound: seconds }: CompareOptions,
): Promise<Sample[]> {
  const usedUs = (): number[] =>
    rows.map(({ running: { running, busyPids } }) =>
      (busyPids ?? [running.process.pid!]).reduce((sum, pid) => sum + processorUs(pid), 0),
    );
  const beforeUs = usedUs();
  const results = await Promise.all(
    rows.map(({ running: { url, host, headers } }) =>
      load({ url, host, ...(headers && { headers }), connections, seconds }),
    ),
  );
  const afterUs = usedUs();
  return results.map((result, index) => ({
    ...result,
    costUs: (afterUs[index]! - beforeUs[index]!) / (result.requestsPerSecond * seconds),
  }));
}

function print(rows: readonly Row[], against: readonly Row[], options: CompareOptions): void {
  console.log(
    `\n${options.title}: medians of ${options.rounds} rounds of ${options.secondsPerRound} s, each peer under load at the ` +
      `same time as ${against.map(({ peer }) => peer.name).join(" and ")}, ${options.connections} connections to each, ` +
      `load by ${generator}`,
  );
  console.table(
    rows.map(({ peer, samples, ratios, memoryMiB }) => {
      const middle = (of: (sample: Sample) => number, digits = 0): number =>
        rounded(quantile(samples.map(of), 0.5), digits);
      return {
        peer: peer.name,
        ...Object.fromEntries(
          against.map((reference, of) => [`ratio to ${reference.peer.name}`, ratioText(ratios[of] ?? [])]),
        ),
        "CPU µs/request": middle(({ costUs }) => costUs),
        "requests/s": middle(({ requestsPerSecond }) => requestsPerSecond),
        "p50 ms": middle(({ p50Ms }) => p50Ms, 2),
        "p99 ms": middle(({ p99Ms }) => p99Ms, 2),
        "memory MiB": memoryMiB,
        failures: samples.reduce((sum, { failures }) => sum + failures, 0),
      };
    }),
  );
}

/** The median, and between which values the middle half of the rounds lies. */
function ratioText(ratios: readonly number[]): string {
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(ratios, part).toFixed(2));
  return `${middle} (${low} to ${high})`;
}

function quantile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
