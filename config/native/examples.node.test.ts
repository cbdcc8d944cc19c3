// Every configuration in examples/ and in the guides of docs/ loads without a finding.
import { readdir, readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const examples = new URL("../../examples/", import.meta.url);
const guides = ["configuration.md", "canary.md", "resilience.md", "access-control.md"];

test("examples/", async () => {
  const names = (await readdir(examples)).filter((name) => name.endsWith(".yaml"));
  expect(names).toContain("isthmus.yaml");
  for (const name of names) {
    const content = await readFile(new URL(name, examples), "utf8");
    expect(loadConfig([{ name, content }]).diagnostics).toEqual([]);
  }
});

test.each(guides)("docs/%s", async (name) => {
  const text = await readFile(new URL(`../../docs/${name}`, import.meta.url), "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, content]) => content!);
  expect(blocks.length).toBeGreaterThan(0);
  for (const content of blocks) expect(loadConfig([{ name, content }]).diagnostics).toEqual([]);
});
