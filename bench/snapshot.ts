// `npm run bench -- snapshot`: what requests feel while a gateway takes new snapshots, with 10 and with 10,000 routes. A
// change of one route is published several times under a steady load. All processes share one core, so that what one of them
// takes is felt; beside it stands how long each ran for a publish, and how long the gateway waited for the core.
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SteadySample } from "./load/steady-load.ts";
import { steadyLoad } from "./load/load.ts";
import { startOrigin } from "./compare.ts";
import { gatewayConfig, hostOf, serve, type GatewayVariant } from "./peers/isthmus.ts";
import { residentKiB, scheduledMs, type Running } from "./process.ts";

type Row = Record<string, string | number>;

interface Plan {
  publishes: number;
  /** Before the first publish, and after each one that has been answered. */
  intervalMs: number;
  perSecond: number;
}

export async function benchSnapshot(quick: boolean): Promise<void> {
  const plan = { publishes: quick ? 1 : 2, intervalMs: quick ? 4_000 : 6_000, perSecond: 100 };
  const directory = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  const origin = await startOrigin();
  try {
    const rows: Row[] = [];
    const processes: Row[] = [];
    for (const routeCount of [10, 10_000]) {
      const own = join(directory, String(routeCount));
      await mkdir(own);
      const measured = await measure(routeCount, origin.port, own, plan);
      rows.push(...measured.requests);
      processes.push(...measured.processes);
    }
    console.log(`\nnew snapshots under load: ${plan.perSecond} requests/s, ${plan.publishes} publishes`);
    console.table(rows);
    console.log("processor time of each process for one publish, beyond what it takes when nothing changes");
    console.table(processes);
  } finally {
    await origin.running.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function measure(
  routeCount: number,
  originPort: number,
  directory: string,
  { publishes, intervalMs, perSecond }: Plan,
): Promise<{ requests: Row[]; processes: Row[] }> {
  const variant: GatewayVariant = { name: `${routeCount} routes`, routeCount };
  const { served, port, data, controlUrl } = await serve(variant, { originPort, directory }, []);
  try {
    const token = (await readFile(join(data, "admin-token"), "utf8")).trim();
    const content = gatewayConfig(port, originPort, variant);
    const pause = (): Promise<void> => new Promise((done) => setTimeout(done, intervalMs));
    const load = steadyLoad({ url: `http://127.0.0.1:${port}/`, host: hostOf(variant), perSecond });
    const processes = namedProcesses(served);
    const idle = await usageWhile(processes, pause);
    const published: number[] = [];
    const changing: Usage[] = [];
    for (let version = 1; version <= publishes; version += 1) {
      published.push(Date.now());
      changing.push(
        await usageWhile(processes, async () => {
          await publish(controlUrl, token, withVersion(content, variant, version));
          await pause();
        }),
      );
    }
    const samples = await load.stop();
    const memoryMiB = Math.round(residentKiB(served.process.pid!) / 1024);
    return {
      requests: report(variant.name, samples, published, memoryMiB),
      processes: [...processes.keys()].map((name) => usageRow(variant.name, name, idle, changing)),
    };
  } finally {
    await served.stop();
  }
}

function namedProcesses(served: Running): Map<string, number> {
  const started = served.output().matchAll(/^(control|state|gateway-\d+) pid=(\d+) started/gm);
  return new Map([...started].map(([, name, pid]) => [name!, Number(pid)]));
}

/** By process. */
type Usage = ReadonlyMap<string, { perSecondMs: number; waitedPerSecondMs: number; seconds: number }>;

async function usageWhile(processes: ReadonlyMap<string, number>, run: () => Promise<void>): Promise<Usage> {
  const startMs = performance.now();
  const before = new Map([...processes].map(([name, pid]) => [name, scheduledMs(pid)]));
  await run();
  const seconds = (performance.now() - startMs) / 1_000;
  return new Map(
    [...processes].map(([name, pid]) => {
      const { ranMs, waitedMs } = scheduledMs(pid);
      const first = before.get(name)!;
      return [
        name,
        {
          perSecondMs: (ranMs - first.ranMs) / seconds,
          waitedPerSecondMs: (waitedMs - first.waitedMs) / seconds,
          seconds,
        },
      ];
    }),
  );
}

function usageRow(routes: string, process: string, idle: Usage, changing: readonly Usage[]): Row {
  const before = idle.get(process)!;
  const beyond = (field: "perSecondMs" | "waitedPerSecondMs"): number => {
    const each = changing.map((usage) => {
      const now = usage.get(process)!;
      return (now[field] - before[field]) * now.seconds;
    });
    return Math.round(each.reduce((sum, ms) => sum + ms, 0) / each.length);
  };
  return {
    routes,
    process,
    "ran ms": beyond("perSecondMs"),
    "waited for the core ms": beyond("waitedPerSecondMs"),
  };
}

/** The measured route answers with the version in a header, so that it is seen when it is served. */
function withVersion(content: string, { routeCount }: GatewayVariant, version: number): string {
  const name = `  - name: route-${Math.floor(routeCount / 2)}\n`;
  const filter = `filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-version, value: "${version}" }] } }]`;
  const at = content.indexOf("      - matches:", content.indexOf(name));
  return `${content.slice(0, at)}      - ${filter}\n        ${content.slice(at + "      - ".length)}`;
}

async function publish(controlUrl: string, token: string, content: string): Promise<void> {
  const response = await fetch(`${controlUrl}/v1/versions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ files: [{ name: "isthmus.yaml", content }], reason: "benchmark" }),
  });
  if (!response.ok) throw new Error(`publish: ${response.status} ${await response.text()}`);
}

function report(name: string, samples: SteadySample[], published: number[], memoryMiB: number): Row[] {
  const first = published[0]!;
  const servedMs = published.map((atMs, index) => {
    const seen = samples.find(({ version }) => version === String(index + 1));
    return seen ? seen.atMs - atMs : Number.NaN;
  });
  const row = (phase: string, some: SteadySample[]): Row => {
    const sorted = some.map(({ latencyMs }) => latencyMs).sort((a, b) => a - b);
    const at = (quantile: number): number =>
      Number((sorted[Math.floor((sorted.length - 1) * quantile)] ?? Number.NaN).toFixed(1));
    return {
      routes: name,
      phase,
      requests: sorted.length,
      "p50 ms": at(0.5),
      "p99 ms": at(0.99),
      "p99.9 ms": at(0.999),
      "max ms": at(1),
    };
  };
  return [
    row(
      "nothing changes",
      samples.filter(({ atMs }) => atMs < first),
    ),
    {
      ...row(
        "published and taken",
        samples.filter(({ atMs }) => atMs >= first),
      ),
      "served after ms": Math.round(Math.max(...servedMs)),
      "memory MiB": memoryMiB,
    },
  ];
}
