// Every configuration in examples/ and in docs/configuration.md loads without a finding.
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const examples = new URL("../../examples/", import.meta.url);
const guide = new URL("../../docs/configuration.md", import.meta.url);

test("examples/", async () => {
  const names = (await readdir(examples)).filter((name) => name.endsWith(".yaml"));
  expect(names).toContain("isthmus.yaml");
  for (const name of names) {
    const content = await readFile(new URL(name, examples), "utf8");
    expect(loadConfig([{ name, content }]).diagnostics).toEqual([]);
  }
});

test("docs/configuration.md", async () => {
  const text = await readFile(guide, "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, content]) => content!);
  expect(blocks.length).toBeGreaterThan(0);
  for (const content of blocks)
    expect(loadConfig([{ name: "configuration.md", content }]).diagnostics).toEqual([]);
});
