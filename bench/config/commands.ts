// `npm run bench -- config`: processor time and peak memory of `isthmus validate` and `isthmus convert`, by format, with
// 10,000 routes. Beside each stands what the same route costs with half as many, which shows what grows faster than the
// configuration, and native JSON, which hardly has to be read at all.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sourceFormats } from "./sources.ts";

const cli = join(import.meta.dirname, "../../cli/isthmus.mjs");
const usage = join(import.meta.dirname, "../usage.ts");

interface Usage {
  readonly processorMs: number;
  readonly peakMiB: number;
}

type ConfigCommand = "validate" | "convert";

export async function benchConfig(quick: boolean): Promise<void> {
  const rounds = quick ? 1 : 5;
  const directory = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  try {
    for (const command of ["validate", "convert"] as const) await benchCommand(command, directory, rounds);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function benchCommand(command: ConfigCommand, directory: string, rounds: number): Promise<void> {
  const routes = 10_000;
  const measure = (path: string, content: string): Promise<Usage> => least(command, path, content, rounds);
  const empty = await measure(join(directory, "empty.yaml"), "listeners: []\n");
  const rows: Record<string, string | number>[] = [];
  let first: number | undefined;
  for (const [format, { file, make }] of Object.entries(sourceFormats)) {
    const path = join(directory, file);
    const half = await measure(path, make(routes / 2));
    const whole = await measure(path, make(routes));
    const perRoute = (used: Usage, count: number): number => (used.processorMs - empty.processorMs) / count;
    first ??= whole.processorMs;
    rows.push({
      format,
      "CPU ms": Math.round(whole.processorMs),
      "to JSON": Number((whole.processorMs / first).toFixed(2)),
      "µs/route": Math.round(perRoute(whole, routes) * 1_000),
      growth: Number((perRoute(whole, routes) / perRoute(half, routes / 2)).toFixed(2)),
      "peak MiB": Math.round(whole.peakMiB),
    });
  }
  console.log(`\nisthmus ${command}, ${routes} routes: least of ${rounds} runs`);
  console.log(`nothing in it: ${Math.round(empty.processorMs)} ms, ${Math.round(empty.peakMiB)} MiB`);
  console.table(rows);
}

/** Other programs only ever add to what a run takes, so the least says most. */
async function least(command: ConfigCommand, file: string, content: string, rounds: number): Promise<Usage> {
  await writeFile(file, content);
  const runs: Usage[] = [];
  for (let round = 0; round < rounds; round += 1) runs.push(await run(command, file));
  return {
    processorMs: Math.min(...runs.map(({ processorMs }) => processorMs)),
    peakMiB: Math.min(...runs.map(({ peakMiB }) => peakMiB)),
  };
}

function run(command: ConfigCommand, file: string): Promise<Usage> {
  const child = spawn(process.execPath, [`--import=${usage}`, cli, command, file], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let said = "";
  let report = "";
  child.stderr!.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stdio[3]!.on("data", (chunk: Buffer) => (report += chunk.toString()));
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(JSON.parse(report) as Usage);
      else fail(new Error(`${command} ${file} ended with ${code}: ${said}`));
    });
  });
}
