// The import rules of docs/architecture.md hold because the linter refuses what they forbid: each planted violation
// must fail, and the same file without it must pass.
import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "..");
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "isthmus-structure-"));
  await copyFile(join(root, ".oxlintrc.json"), join(scratch, ".oxlintrc.json"));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

function lint(file: string): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    execFile(
      join(root, "node_modules/.bin/oxlint"),
      ["--deny-warnings", file],
      { cwd: scratch },
      (error, stdout, stderr) => done({ code: error ? Number(error.code ?? 1) : 0, output: stdout + stderr }),
    );
  });
}

async function lintSource(file: string, source: string): Promise<{ code: number; output: string }> {
  await mkdir(join(scratch, dirname(file)), { recursive: true });
  await writeFile(join(scratch, file), source);
  return lint(file);
}

const forbidden: [file: string, specifier: string][] = [
  ["contract/planted.ts", "#traffic/match/matcher.ts"],
  ["contract/planted.ts", "node:fs/promises"],
  ["traffic/planted.ts", "#config/load.ts"],
  ["traffic/match/planted.ts", "../../worker/app.ts"],
  ["traffic/planted.ts", "node:net"],
  ["config/planted.ts", "cloudflare:workers"],
  ["config/native/planted.ts", "#traffic/match/matcher.ts"],
  ["traffic/planted.ts", "#hub/hub.ts"],
  ["hub/planted.ts", "../worker/app.ts"],
  ["hub/planted.ts", "node:http"],
  ["worker/planted.ts", "#config/load.ts"],
  ["worker/state/planted.ts", "../../control/index.ts"],
  ["worker/planted.ts", "node:fs"],
  ["control/planted.ts", "../worker/app.ts"],
  ["origin-agent/planted.ts", "../cli/main.ts"],
  ["cli/serve/planted.ts", "../../worker/app.ts"],
];

test.each(forbidden)("%s may not import %s", async (file, specifier) => {
  const { code, output } = await lintSource(
    file,
    `import { planted } from ${JSON.stringify(specifier)};\nexport const found = planted;\n`,
  );
  expect(output).toContain("no-restricted-imports");
  expect(code).not.toBe(0);
});

test.each([
  ["traffic/allowed.ts", "#contract/limits.ts"],
  ["hub/allowed.ts", "#traffic/match/matcher.ts"],
  ["cli/allowed.ts", "#hub/hub.ts"],
  ["worker/allowed.ts", "#traffic/match/matcher.ts"],
  ["control/allowed.ts", "#config/load.ts"],
  ["origin-agent/allowed.ts", "node:net"],
])("%s may import %s", async (file, specifier) => {
  const { code, output } = await lintSource(
    file,
    `import { planted } from ${JSON.stringify(specifier)};\nexport const found = planted;\n`,
  );
  expect(output).not.toContain("no-restricted-imports");
  expect(code).toBe(0);
});

test("one workerd version is in the tree, and every dependency is pinned exactly", async () => {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string }>;
  };
  const workerds = Object.entries(lock.packages)
    .filter(([path]) => path.endsWith("node_modules/workerd"))
    .map(([, entry]) => entry.version);
  expect(workerds).toHaveLength(1);
  const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<
    "dependencies" | "devDependencies",
    Record<string, string>
  >;
  for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  }
});

test("the lock file is complete: every optional dependency of every platform has its entry", async () => {
  // Where one is missing, `npm ci` of npm 11 refuses the whole file. `npm install` leaves those out that its registry
  // happens not to have.
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, { version?: string; optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        !packages[`node_modules/${name}`]?.version && !packages[`${path}/node_modules/${name}`]?.version,
    ),
  );
  expect(missing).toEqual([]);
});

test("every decision has a number of its own, without a gap", async () => {
  const files = (await readdir(join(root, "docs/decisions"))).sort();
  const headings = await Promise.all(
    files.map(
      async (file) => /^# (\d{4}): /.exec(await readFile(join(root, "docs/decisions", file), "utf8"))?.[1],
    ),
  );
  const numbers = files.map((_, index) => String(index + 1).padStart(4, "0"));
  expect(files.map((file) => file.slice(0, 4))).toEqual(numbers);
  expect(headings).toEqual(numbers);
});
