// Tables of cases per area, `test/cases/<area>/`: native configuration and where its requests end up, by the pure functions
// and through the running gateway. The format is that of the corpus; UPDATE_CORPUS=1 writes what the pure functions say.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import type { NativeConfig } from "#config/native/schema.ts";
import { askProxy } from "./corpus/ask-proxy.ts";
import { isUpdating, readGolden, writeGolden } from "./corpus/read-cases.ts";
import { readTable, requestsOf, writeTable } from "./corpus/request-table.ts";
import { createRouter } from "./corpus/route-request.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

const root = join(import.meta.dirname, "cases");
const areas = readdirSync(root).filter((area) => existsSync(join(root, area, "isthmus.yaml")));

describe.each(areas)("%s", (area) => {
  const directory = join(root, area);
  const content = readFileSync(join(directory, "isthmus.yaml"), "utf8");
  const { model, snapshot, diagnostics } = loadConfig([{ name: "isthmus.yaml", content }]);
  const table = readTable(readGolden(directory, "requests.txt"));

  test("the pure functions", () => {
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    const found = writeTable(table, createRouter(snapshot!));
    if (isUpdating) writeGolden(directory, "requests.txt", found);
    expect(found).toBe(readGolden(directory, "requests.txt"));
  });

  describe("through the running gateway", () => {
    const echoes: EchoServer[] = [];
    const ports = new Map<number, number>();
    let system: System;

    beforeAll(async () => {
      for (const { name } of model!.backends) echoes.push(await startEchoServer(name));
      const free = await freePorts(model!.listeners.length);
      for (const [index, { port }] of model!.listeners.entries()) ports.set(port, free[index]!);
      const flags = ["--dev-tls", "--processes", "1"];
      system = await startSystem(formatConfig(localModel(model!, ports, echoes)), flags);
    });
    afterAll(async () => {
      await system?.stop();
      await Promise.all(echoes.map((echo) => echo.stop()));
    });

    test.each(requestsOf(table).map((request) => [request.text, request] as const))(
      "%s",
      async (_, request) => {
        expect(await askProxy(request, request.expected, ports)).toBe(request.expected);
      },
    );
  });
});

/** On this machine's ports, with an echo for each backend. */
function localModel(
  model: NativeConfig,
  ports: ReadonlyMap<number, number>,
  echoes: readonly EchoServer[],
): NativeConfig {
  return {
    ...model,
    listeners: model.listeners.map((one) => ({
      ...one,
      port: ports.get(one.port)!,
      addresses: ["127.0.0.1"],
    })),
    backends: model.backends.map((backend, index) => ({
      ...backend,
      endpoints: [{ address: "127.0.0.1", port: echoes[index]!.port, weight: 1 }],
    })),
  };
}
