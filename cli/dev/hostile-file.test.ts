import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = join(import.meta.dirname, "main.ts");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-dev-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  readonly code: number;
  readonly output: string;
}

function runDev(file: string): Promise<Ended> {
  return new Promise((done) => {
    execFile(process.execPath, [main, "-f", file], (error, stdout, stderr) => {
      done({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

test.each<[name: string, file: string, content: string | Uint8Array, said: RegExp]>([
  ["cut off", "a.yaml", "listeners: [{ name: web", /a\.yaml:1:24: error: not valid YAML/],
  ["binary", "a.yaml", new Uint8Array([0, 255, 1, 254]), /a\.yaml:1:1: error: not a text file in UTF-8/],
  ["no statement", "haproxy.cfg", "frontend web\n  bnd :80\n", /haproxy\.cfg:2:3: error: .*bnd/],
])("`npm run dev` refuses a file that is %s, and starts nothing", async (_name, file, content, said) => {
  await writeFile(join(folder, file), content);
  const { code, output } = await runDev(join(folder, file));
  expect(output).toMatch(said);
  expect(code).toBe(2);
});
