// Bundles both Workers as wrangler does (ES modules, conditions of the Workers runtime, `cloudflare:` left to it), so
// that `isthmus serve` runs the very code that is deployed.
import { build, stop, type BuildOptions, type BuildResult, type Metafile } from "esbuild";
import { mkdir, rename, stat, writeFile, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { CommandError } from "../command-error.ts";
import { controlBundle, gatewayBundle, packageRoot } from "../installation.ts";

interface Worker {
  readonly entry: string;
  readonly bundle: string;
}

const workers: Worker[] = [
  { entry: join(packageRoot, "worker/index.ts"), bundle: gatewayBundle },
  { entry: join(packageRoot, "control/index.ts"), bundle: controlBundle },
];

/** Builds what is missing or older than one of the files it was made from. Resolves to the bundles built. */
export async function bundleStaleWorkers(): Promise<string[]> {
  const stale = await Promise.all(workers.map(async (worker) => ((await isFresh(worker)) ? [] : [worker])));
  return bundle(stale.flat());
}

/** Builds both Workers. Resolves to the bundles built. */
export function bundleWorkers(): Promise<string[]> {
  return bundle(workers);
}

async function bundle(chosen: Worker[]): Promise<string[]> {
  try {
    await Promise.all(chosen.map(bundleOne));
  } finally {
    // Ends esbuild's own process, which would stay beside a long-running `isthmus serve`.
    await stop();
  }
  return chosen.map((worker) => relative(packageRoot, worker.bundle));
}

async function bundleOne({ entry, bundle }: Worker): Promise<void> {
  const result = await bundled(entry);
  const output = result.outputFiles[0];
  if (!output) throw new Error(`esbuild made nothing of ${entry}`);
  await mkdir(dirname(bundle), { recursive: true });
  // Two processes may build at once, and a running one may read: each sees a whole file.
  const temporary = `${bundle}.${process.pid}.tmp`;
  await writeFile(temporary, output.contents);
  await writeFile(`${temporary}.inputs`, JSON.stringify(inputs(result.metafile)));
  await rename(temporary, bundle);
  await rename(`${temporary}.inputs`, inputsFile(bundle));
}

const options = {
  absWorkingDir: packageRoot,
  bundle: true,
  format: "esm",
  target: "es2024",
  platform: "neutral",
  mainFields: ["module", "main"],
  conditions: ["workerd", "worker", "browser", "import"],
  external: ["cloudflare:*", "node:zlib"],
  sourcemap: false,
  legalComments: "none",
  charset: "utf8",
  metafile: true,
  write: false,
  logLevel: "error",
} satisfies BuildOptions;

/** esbuild has printed what is wrong, with file and line. */
async function bundled(entry: string): Promise<BuildResult<typeof options>> {
  try {
    return await build({ ...options, entryPoints: [entry] });
  } catch (error) {
    throw new CommandError("failure", `cannot bundle ${relative(packageRoot, entry)}`, { cause: error });
  }
}

const inputsFile = (bundle: string): string => `${bundle}.inputs.json`;

function inputs(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs);
}

/** False also for a bundle that is not there, or of which nobody knows what it was made from. */
async function isFresh({ bundle, entry }: Worker): Promise<boolean> {
  try {
    const builtMs = (await stat(bundle)).mtimeMs;
    const list = JSON.parse(await readFile(inputsFile(bundle), "utf8")) as string[];
    const changed = await Promise.all(
      [relative(packageRoot, entry), "package-lock.json", ...list].map((file) => modifiedMs(file)),
    );
    return changed.every((changedMs) => changedMs <= builtMs);
  } catch {
    return false;
  }
}

/** Infinity for a file that is gone: what was bundled with it is stale. */
async function modifiedMs(file: string): Promise<number> {
  try {
    return (await stat(join(packageRoot, file))).mtimeMs;
  } catch {
    return file === "package-lock.json" ? 0 : Infinity;
  }
}
