import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { readConfigFiles } from "../config-files.ts";
import { packageRoot } from "../installation.ts";

test("what `npm run dev` publishes is valid and needs nothing that listens on a port of its own", async () => {
  const { snapshot, diagnostics } = loadConfig(
    await readConfigFiles([join(packageRoot, "examples/dev/isthmus.yaml")]),
  );
  expect(diagnostics).toEqual([]);
  expect(snapshot?.backends).toEqual([]);
});
