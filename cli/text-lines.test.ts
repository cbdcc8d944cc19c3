import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { textLines } from "./text-lines.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "isthmus-lines-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

async function linesOf(text: string, maxChars = 1_000_000): Promise<string[]> {
  const path = join(directory, "log");
  await writeFile(path, text);
  return [...textLines(path, maxChars)];
}

test.each(["", "a", "a\n", "\n\na", `${"ü".repeat(50_000)}\nb\n${"c".repeat(200_000)}`])(
  "lines are those of the text, wherever a chunk ends",
  async (text) => {
    expect(await linesOf(text)).toEqual(text === "" ? [] : text.replace(/\n$/, "").split("\n"));
  },
);

test("of a line that is too long only its beginning comes, and the next one is whole", async () => {
  const [long, next] = await linesOf(`${"x".repeat(500_000)}\nnext\n`, 1_000);
  expect(long!.length).toBeGreaterThan(1_000);
  expect(long!.length).toBeLessThan(80_000);
  expect(next).toBe("next");
});
