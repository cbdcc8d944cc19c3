import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { packageRoot } from "../installation.ts";
import { demoBackends, demoConfig } from "./demo-config.ts";

const source = await readFile(join(packageRoot, "examples/demo/isthmus.yaml"), "utf8");

test("the demo's configuration is valid as it stands, and with the ports put in", () => {
  const pods = new Map(demoBackends(source).map((name, index) => [name, 40_000 + index]));
  const content = demoConfig(source, { httpPort: 18_080, httpsPort: 18_443 }, pods);
  for (const text of [source, content]) {
    const { diagnostics, snapshot } = loadConfig([{ name: "isthmus.yaml", content: text }]);
    // It has no certificate of its own: serve makes one.
    expect(diagnostics.map(({ code }) => code)).toEqual(["listener-certificates-missing"]);
    expect(snapshot?.backends.every(({ tunnel }) => tunnel === "demo")).toBe(true);
  }
  const { snapshot } = loadConfig([{ name: "isthmus.yaml", content }]);
  expect(snapshot?.listeners.map(({ port }) => port)).toEqual([18_080, 18_443]);
  expect(snapshot?.backends.map(({ endpoints }) => endpoints[0]?.port)).toEqual([40_000, 40_001, 40_002]);
});
