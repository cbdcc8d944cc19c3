import * as fc from "fast-check";
import { expect, test, vi } from "vitest";
import { SnapshotLines } from "./snapshot-lines.ts";
import { parseSnapshotLines, SnapshotReader } from "./snapshot-reader.ts";
import type { VersionedSnapshot } from "./snapshot.ts";
import { allAtOnce, itemsPerStep } from "./steps.ts";

function version(routes: number, backends: number): VersionedSnapshot {
  return {
    version: 3,
    hash: hashOf("a"),
    snapshot: {
      format: 1,
      listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
      routes: Array.from({ length: routes }, (_, index) => routeOf(`route-${index}`)),
      backends: Array.from({ length: backends }, (_, index) => backendOf(`backend-${index}`)),
      settings: {
        clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
        accessLog: { mode: "off" },
      },
    },
  };
}

function routeOf(name: string, hostname = "example.com"): VersionedSnapshot["snapshot"]["routes"][number] {
  return { name, listeners: ["web"], hostnames: [hostname], rules: [] };
}

function backendOf(name: string, port = 80): VersionedSnapshot["snapshot"]["backends"][number] {
  const endpoint = { id: `10.0.0.1:${port}`, address: "10.0.0.1", port, weight: 1 };
  return {
    name,
    protocol: "HTTP",
    endpoints: [endpoint],
    loadBalancer: { type: "RoundRobin" },
    healthCheck: {},
  };
}

const hashOf = (digit: string): string => `sha256:${digit.repeat(64)}`;
const wholeText = (snapshot: VersionedSnapshot): string => SnapshotLines.of(snapshot).text();

test.each([
  [0, 0],
  [0, 1],
  [1, 0],
  [itemsPerStep, itemsPerStep + 1],
  [3 * itemsPerStep - 1, 2],
])("%i routes and %i backends come back as they were", (routes, backends) => {
  const before = version(routes, backends);
  expect(parseSnapshotLines(wholeText(before))).toEqual(before);
});

test("every route and backend is checked, to the last", () => {
  for (const list of ["routes", "backends"] as const) {
    const damaged = version(itemsPerStep + 1, itemsPerStep + 1);
    Object.assign(damaged.snapshot[list].at(-1)!, { colour: "red" });
    expect(() => parseSnapshotLines(wholeText(damaged))).toThrow(/colour/);
  }
});

test("reading pauses before every piece", () => {
  const steps = new SnapshotReader().read(wholeText(version(10 * itemsPerStep, 0)));
  for (let piece = 0; piece < 10; piece += 1) expect(steps.next().done).toBe(false);
  expect([...steps].length).toBeLessThan(2);
});

test("of a change only its lines are sent and read; all else is the objects of before", () => {
  const before = version(200, 100);
  const reader = new SnapshotReader();
  const first = allAtOnce(reader.read(wholeText(before)));
  const after = structuredClone({ ...before, version: 4, hash: hashOf("b") });
  after.snapshot.routes.splice(50, 1);
  after.snapshot.routes.splice(70, 0, routeOf("new"));
  after.snapshot.backends[7] = backendOf("backend-7", 8080);
  after.snapshot.listeners[0]!.port = 8000;
  const change = SnapshotLines.of(after).changeText(SnapshotLines.of(before));
  expect(change.split("\n")).toHaveLength(3);
  const parse = vi.spyOn(JSON, "parse");
  const second = allAtOnce(reader.read(change));
  expect(parse).toHaveBeenCalledTimes(3);
  parse.mockRestore();
  expect(second).toEqual(after);
  expect(second.snapshot.routes[50]).toBe(first.snapshot.routes[51]);
  expect(second.snapshot.backends[8]).toBe(first.snapshot.backends[8]);
});

test("changes in a row give the version that a whole text gives", () => {
  const name = fc.constantFrom("a", "b", "c", "d", "e", "f", "g");
  const lists = fc.record({
    routes: fc.uniqueArray(fc.tuple(name, fc.constantFrom("x.test", "y.test")), { selector: ([it]) => it }),
    backends: fc.uniqueArray(fc.tuple(name, fc.constantFrom(80, 81)), { selector: ([it]) => it }),
    /** In the order of names, as snapshots are, or in any. */
    sorted: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(lists, { minLength: 2, maxLength: 6 }), (states) => {
      const reader = new SnapshotReader();
      let lines: SnapshotLines | undefined;
      for (const [index, { routes, backends, sorted }] of states.entries()) {
        const compare = (a: readonly unknown[], b: readonly unknown[]) =>
          sorted ? String(a[0]).localeCompare(String(b[0])) : 0;
        const state = version(0, 0);
        state.version = index + 1;
        state.hash = hashOf(String(index));
        state.snapshot.routes = routes.toSorted(compare).map(([it, host]) => routeOf(it, host));
        state.snapshot.backends = backends.toSorted(compare).map(([it, port]) => backendOf(it, port));
        const next = SnapshotLines.of(state);
        const text = lines ? next.changeText(lines) : next.text();
        lines = SnapshotLines.parse(text, lines);
        expect(lines.text()).toBe(next.text());
        expect(allAtOnce(reader.read(text))).toEqual(state);
      }
    }),
  );
});

test("the snapshot that was read last is known by its hash, and stays the same objects", () => {
  const reader = new SnapshotReader();
  const { snapshot } = allAtOnce(reader.read(wholeText(version(3, 3))));
  const again = allAtOnce(reader.read(wholeText({ ...version(3, 3), version: 9 })));
  expect(again.version).toBe(9);
  expect(again.snapshot).toBe(snapshot);
});

test("a snapshot that is read twice at a time is one", () => {
  const reader = new SnapshotReader();
  const text = wholeText(version(3 * itemsPerStep, 0));
  const slow = reader.read(text);
  expect(slow.next().done).toBe(false);
  const { snapshot } = allAtOnce(reader.read(text));
  expect(allAtOnce(slow).snapshot).toBe(snapshot);
});

test("a text that is refused leaves nothing behind to build on", () => {
  const reader = new SnapshotReader();
  const before = version(3, 3);
  allAtOnce(reader.read(wholeText(before)));
  expect(reader.hash).toBe(before.hash);
  const damaged = structuredClone({ ...before, hash: hashOf("b") });
  Object.assign(damaged.snapshot.routes[1]!, { colour: "red" });
  const change = SnapshotLines.of(damaged).changeText(SnapshotLines.of(before));
  expect(() => allAtOnce(reader.read(change))).toThrow(/colour/);
  expect(reader.hash).toBeUndefined();
  expect(allAtOnce(reader.read(wholeText(before)))).toEqual(before);
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
  const lines = wholeText(version(2 * itemsPerStep, 3)).split("\n");
  expect(() => parseSnapshotLines(damage(lines).join("\n"))).toThrow();
});

test.each<[string, (change: string) => string]>([
  ["of another base", (change) => change.replace(hashOf("a"), hashOf("c"))],
  ["a line missing", (change) => change.slice(0, change.lastIndexOf("\n"))],
  ["a line too many", (change) => `${change}\n{}`],
  ["beyond the end", (change) => change.replace('"backends":[[1,1,1]]', '"backends":[[1,9,1]]')],
  ["out of order", (change) => change.replace("[[1,1,1],[3,0,1]]", "[[3,0,1],[1,1,1]]")],
  ["a count that is off", (change) => change.replace('"routes":4', '"routes":5')],
])("a change %s: refused", (_name, damage) => {
  const before = version(3, 3);
  const after = structuredClone({ ...before, hash: hashOf("b") });
  after.snapshot.routes[1] = routeOf("route-1", "other.example.com");
  after.snapshot.routes.push(routeOf("route-3"));
  after.snapshot.backends[1] = backendOf("backend-1", 8080);
  const change = SnapshotLines.of(after).changeText(SnapshotLines.of(before));
  const damaged = damage(change);
  expect(damaged).not.toBe(change);
  const reader = new SnapshotReader();
  allAtOnce(reader.read(wholeText(before)));
  expect(() => allAtOnce(reader.read(damaged))).toThrow();
  expect(() => SnapshotLines.parse(damaged, SnapshotLines.of(before))).toThrow();
});
