import { expect, test, vi } from "vitest";
import { parseSnapshotLines, snapshotLines, SnapshotReader } from "./snapshot-lines.ts";
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
});

test("every route and backend is checked, to the last", () => {
  for (const list of ["routes", "backends"] as const) {
    const damaged = version(itemsPerStep + 1, itemsPerStep + 1);
    Object.assign(damaged.snapshot[list].at(-1)!, { colour: "red" });
    expect(() => parseSnapshotLines(snapshotLines(damaged))).toThrow(/colour/);
  }
});

test("reading pauses before every piece", () => {
  const steps = new SnapshotReader().read(snapshotLines(version(10 * itemsPerStep, 0)));
  for (let piece = 0; piece < 10; piece += 1) expect(steps.next().done).toBe(false);
  expect(steps.next().done).toBe(true);
});

test("of the next version only what has changed is read, wherever it has moved to", () => {
  const reader = new SnapshotReader();
  const before = version(200, 100);
  const first = allAtOnce(reader.read(snapshotLines(before)));
  const after = structuredClone(before);
  after.snapshot.routes.splice(50, 1);
  after.snapshot.routes.unshift({ name: "new", listeners: ["web"], hostnames: [], rules: [] });
  after.snapshot.backends[7]!.protocol = "HTTPS";
  const parse = vi.spyOn(JSON, "parse");
  const second = allAtOnce(reader.read(snapshotLines(after)));
  // The head, the new route, the changed backend.
  expect(parse).toHaveBeenCalledTimes(3);
  parse.mockRestore();
  expect(second).toEqual(after);
  expect(second.snapshot.routes[50]).toBe(first.snapshot.routes[49]);
  expect(second.snapshot.routes[51]).toBe(first.snapshot.routes[51]);
});

test("a version that is refused leaves nothing behind", () => {
  const reader = new SnapshotReader();
  const before = version(3, 3);
  allAtOnce(reader.read(snapshotLines(before)));
  const damaged = structuredClone(before);
  Object.assign(damaged.snapshot.routes[1]!, { colour: "red" });
  for (let again = 0; again < 2; again += 1) {
    expect(() => allAtOnce(reader.read(snapshotLines(damaged)))).toThrow(/colour/);
  }
  expect(allAtOnce(reader.read(snapshotLines(before)))).toEqual(before);
});

test.each<[string, (lines: string[]) => string[]]>([
  ["nothing", () => []],
  ["a line missing", (lines) => lines.slice(0, -1)],
  ["a line too many", (lines) => [...lines, lines.at(-1)!]],
  ["a line twice", (lines) => [...lines.slice(0, -1), lines.at(-2)!]],
  ["a line cut short", (lines) => [...lines.slice(0, -1), lines.at(-1)!.slice(0, -9)]],
  ["another format", ([head, ...lines]) => [head!.replace('"format":1', '"format":2'), ...lines]],
  ["an unknown field", ([head, route, ...lines]) => [head!, route!.replace("{", '{"x":1,'), ...lines]],
])("%s: refused", (_name, damage) => {
  const lines = snapshotLines(version(2 * itemsPerStep, 3)).split("\n");
  expect(() => parseSnapshotLines(damage(lines).join("\n"))).toThrow();
});
