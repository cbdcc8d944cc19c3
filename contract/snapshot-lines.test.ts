import { expect, test } from "vitest";
import { checkSnapshot, parseSnapshotLines, readSnapshotLines, snapshotLines } from "./snapshot-lines.ts";
import type { VersionedSnapshot } from "./snapshot.ts";
import { allAtOnce, itemsPerStep } from "./steps.ts";

function version(routes: number, backends: number): VersionedSnapshot {
  return {
    version: 3,
    hash: `sha256:${"a".repeat(64)}`,
    snapshot: {
      format: 1,
      listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
      routes: Array.from({ length: routes }, (_, index) => ({
        name: `route-${index}`,
        listeners: ["web"],
        hostnames: ["example.com"],
        rules: [],
      })),
      backends: Array.from({ length: backends }, (_, index) => ({
        name: `backend-${index}`,
        protocol: "HTTP",
        endpoints: [],
        loadBalancer: { type: "RoundRobin" },
        healthCheck: {},
      })),
      settings: {
        clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
        accessLog: { mode: "off" },
      },
    },
  };
}

test.each([
  [0, 0],
  [0, 1],
  [1, 0],
  [itemsPerStep, itemsPerStep + 1],
  [3 * itemsPerStep - 1, 2],
])("%i routes and %i backends come back as they were", (routes, backends) => {
  const before = version(routes, backends);
  expect(parseSnapshotLines(snapshotLines(before))).toEqual(before);
  expect(allAtOnce(checkSnapshot(structuredClone(before)))).toEqual(before);
});

test("a value is checked to its last route and backend", () => {
  for (const list of ["routes", "backends"] as const) {
    const damaged = structuredClone(version(itemsPerStep + 1, itemsPerStep + 1));
    Object.assign(damaged.snapshot[list].at(-1)!, { colour: "red" });
    expect(() => allAtOnce(checkSnapshot(damaged))).toThrow(/colour/);
  }
  expect(() => allAtOnce(checkSnapshot({ version: 9, hash: "nonsense" }))).toThrow();
});

test("reading pauses before every piece", () => {
  const steps = readSnapshotLines(snapshotLines(version(10 * itemsPerStep, 0)));
  for (let piece = 0; piece < 10; piece += 1) expect(steps.next().done).toBe(false);
  expect(steps.next().done).toBe(true);
});

test.each<[string, (lines: string[]) => string[]]>([
  ["nothing", () => []],
  ["a piece missing", (lines) => lines.slice(0, -1)],
  ["a piece twice", (lines) => [...lines, lines.at(-1)!]],
  ["a piece cut short", (lines) => [...lines.slice(0, -1), lines.at(-1)!.slice(0, -9)]],
  ["another format", ([head, ...lines]) => [head!.replace('"format":1', '"format":2'), ...lines]],
  ["an unknown field", ([head, route, ...lines]) => [head!, route!.replace("{", '{"x":1,'), ...lines]],
])("%s: refused", (_name, damage) => {
  const lines = snapshotLines(version(2 * itemsPerStep, 3)).split("\n");
  expect(() => parseSnapshotLines(damage(lines).join("\n"))).toThrow();
});
