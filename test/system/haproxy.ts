// The real HAProxy, to compare with. Absent on many machines: tests that need it are skipped there, but never in CI.
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./process.ts";
import { accepts } from "./tcp.ts";

/** Why there is nothing to compare with; undefined where HAProxy is installed, or has to be (`ISTHMUS_CI`). */
export function haproxyMissing(): string | undefined {
  if (process.env["ISTHMUS_CI"] || spawnSync("haproxy", ["-v"]).status === 0) return undefined;
  return "haproxy is not installed (apt-get install haproxy): not compared with it";
}

export interface Haproxy {
  hasEnded(): boolean;
  /** What it has printed: its log, with `log stdout`. */
  output(): string;
  stop(): Promise<void>;
}

/** Threads look at a limit of sessions each by itself, and exceed it where they do so at the same time. */
const oneThread = "\nglobal\n  nbthread 1\n";

/** Waits until it listens at all of `ports`; rejects with HAProxy's own words when it does not take the file. */
export async function startHaproxy(config: string, ports: Iterable<number> = []): Promise<Haproxy> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-haproxy-"));
  const file = join(directory, "haproxy.cfg");
  await writeFile(file, config + oneThread);
  const running = start("haproxy", ["-db", "-f", file]);
  const stop = async (): Promise<void> => {
    await running.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    for (const port of ports) {
      await eventually(`HAProxy listens on ${port}`, async () => running.hasEnded() || accepts(port));
    }
    if (running.hasEnded()) throw new Error(`HAProxy has ended:\n${running.output()}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...running, stop };
}

/** By its name in Debian. */
const exporter = "prometheus-haproxy-exporter";

/** As {@link haproxyMissing}, of the exporter that reads HAProxy's statistics for Prometheus. */
export function haproxyExporterMissing(): string | undefined {
  if (process.env["ISTHMUS_CI"] || spawnSync(exporter, ["--version"]).status === 0) return undefined;
  return `${exporter} is not installed: the statistics are not read with it`;
}

export function startHaproxyExporter(scrapeUri: string, port: number): Haproxy {
  return start(exporter, [`--web.listen-address=127.0.0.1:${port}`, `--haproxy.scrape-uri=${scrapeUri}`]);
}

function start(program: string, args: readonly string[]): Haproxy {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
  let hasEnded = false;
  const ended = new Promise<void>((done) => {
    const end = (): void => done(void (hasEnded = true));
    child.once("close", end).once("error", end);
  });
  let text = "";
  const keep = (chunk: Buffer): void => void (text += chunk.toString());
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  return {
    hasEnded: () => hasEnded,
    output: () => text,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
