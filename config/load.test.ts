import * as fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { canonicalJson } from "#contract/canonical-json.ts";
import { snapshotSchema } from "#contract/snapshot.ts";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig, loadSteps } from "./load.ts";
import { configArbitrary } from "./native/config.fixture.ts";
import type { NativeConfigInput } from "./native/schema.ts";

const load = (content: string) => loadConfig([{ name: "isthmus.yaml", content }]);
const loadValue = (config: unknown) => load(JSON.stringify(config));

test("a valid configuration compiles to a valid snapshot, from YAML as from JSON", () => {
  fc.assert(
    fc.property(configArbitrary, (config) => {
      const result = loadValue(config);
      expect(result.diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
      expect(snapshotSchema.parse(result.snapshot)).toEqual(result.snapshot);
      expect(load(stringify(config)).snapshot).toEqual(result.snapshot);
    }),
    { numRuns: 40 },
  );
});

test("the order of keys, of listeners, routes and backends does not change the snapshot", () => {
  fc.assert(
    fc.property(configArbitrary, fc.infiniteStream(fc.nat()), (config, numbers) => {
      const shuffled = shuffle(config, numbers) as NativeConfigInput;
      expect(canonicalJson(loadValue(shuffled).snapshot)).toBe(canonicalJson(loadValue(config).snapshot));
    }),
    { numRuns: 40 },
  );
});

/** Keys anywhere, and the lists whose order has no meaning. */
function shuffle(value: unknown, numbers: Iterator<number>, key = ""): unknown {
  const sorted = <T>(items: T[]): T[] =>
    items
      .map((item) => ({ item, rank: numbers.next().value as number }))
      .sort((a, b) => a.rank - b.rank)
      .map(({ item }) => item);
  if (Array.isArray(value)) {
    const items = value.map((item) => shuffle(item, numbers));
    return ["routes", "backends"].includes(key) || (key === "listeners" && typeof items[0] === "object")
      ? sorted(items)
      : items;
  }
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    sorted(Object.entries(value)).map(([name, inner]) => [name, shuffle(inner, numbers, name)]),
  );
}

test("there is a snapshot if and only if there is no error, whatever the text", () => {
  fc.assert(
    fc.property(configArbitrary, fc.nat(), fc.string({ maxLength: 3 }), (config, seed, noise) => {
      const text = stringify(config);
      const at = seed % (text.length + 1);
      const { snapshot, diagnostics } = load(text.slice(0, at) + noise + text.slice(at + noise.length));
      expect(snapshot === undefined).toBe(diagnostics.some(({ severity }) => severity === "error"));
      for (const { line, column, file } of diagnostics) {
        expect(file).toBe("isthmus.yaml");
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
      }
    }),
    { numRuns: 40 },
  );
});

const listeners = {
  name: "listeners.yaml",
  content: "listeners:\n  - { name: web, protocol: HTTP, port: 80 }\naccessLog: { mode: all }\n",
};
const routes = {
  name: "routes.yaml",
  content: "routes:\n  - { name: a, rules: [{ backendRefs: [{ name: b }] }] }\n",
};
const backends = {
  name: "backends.json",
  content: '{\n  "backends": [{ "name": "b", "endpoints": [{ "address": "10.0.0.1", "port": 80 }] }]\n}',
};

test("several files are one configuration", () => {
  const { snapshot, diagnostics } = loadConfig([routes, listeners, backends]);
  expect(diagnostics).toEqual([]);
  expect(snapshot?.routes[0]?.rules[0]?.backendRefs[0]?.backend).toBe("b");
  expect(snapshot?.settings.accessLog.mode).toBe("all");
});

test("findings across files name the file, and count within it", () => {
  const more = {
    name: "more.yaml",
    content:
      "backends:\n  - { name: c, endpoints: [{ address: x.example.com, port: 1 }] }\n  - name: b\nroutes:\n  - { name: z, hostnames: [z], rules: [{ backendRefs: [{ name: d }] }] }\naccessLog: {}\n",
  };
  const { snapshot, diagnostics } = loadConfig([listeners, routes, backends, more]);
  expect(snapshot).toBeUndefined();
  expect(diagnostics.map((diagnostic) => formatDiagnostic(diagnostic).split("\n")[0])).toEqual([
    'more.yaml:3:5: warning: backend "b" has no endpoints; its requests are answered 503 (at backends[1].endpoints) [backend-no-endpoints]',
    'more.yaml:3:11: error: another backend is already named "b" (at backends[1].name) [name-duplicate]',
    'more.yaml:5:64: error: no backend is named "d" (at routes[0].rules[0].backendRefs[0].name) [reference-unknown]',
    'more.yaml:6:1: error: "accessLog" is already set in listeners.yaml (at accessLog) [setting-repeated]',
  ]);
});

test("a file that cannot be read hides no finding of another, and makes none up", () => {
  const broken = { name: "broken.yaml", content: "backends: [\n" };
  const wrong = { name: "wrong.yaml", content: "rutes: []\n" };
  const { diagnostics, model } = loadConfig([routes, broken, wrong]);
  expect(model).toBeUndefined();
  expect(diagnostics.map(({ file, code }) => [file, code])).toEqual([
    ["broken.yaml", "yaml-syntax"],
    ["wrong.yaml", "field-unknown"],
  ]);
});

test("no file, and the same file twice", () => {
  expect(loadConfig([]).diagnostics.map(({ code }) => code)).toEqual(["file-empty"]);
  expect(loadConfig([routes, routes]).diagnostics.map(({ code, file }) => [code, file])).toEqual([
    ["file-repeated", "routes.yaml"],
  ]);
});

test("bounds hold for all files together", () => {
  const half = (prefix: string, first: number) => ({
    name: prefix,
    content: JSON.stringify({
      listeners: Array.from({ length: 160 }, (_, index) => ({
        name: `${prefix}${index}`,
        protocol: "HTTP",
        port: first + index,
      })),
    }),
  });
  const { diagnostics } = loadConfig([half("a", 1), half("b", 200)]);
  expect(diagnostics.map(({ code, file, path, message }) => [code, file, path, message])).toEqual([
    ["limit-exceeded", "b", "listeners[96]", "320 listeners in all files together; expected at most 256"],
  ]);
});

test("findings are bounded, and the rest is counted", () => {
  const many = {
    backends: Array.from({ length: 700 }, (_, index) => ({
      name: `b${index}`,
      endpoints: [{ address: "300.1.1.1", port: 1 }],
    })),
  };
  const { diagnostics } = loadValue(many);
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors).toHaveLength(501);
  expect(errors.at(-1)).toMatchObject({
    code: "diagnostics-truncated",
    message: "200 more errors are not shown",
  });
});

test("edge deployments hear of addresses that Cloudflare cannot dial", () => {
  const { diagnostics, snapshot } = loadConfig([listeners, routes, backends], { target: "edge" });
  expect(snapshot).toBeDefined();
  expect(diagnostics.map(({ code, file, line, column }) => [code, file, line, column])).toEqual([
    ["endpoint-undialable", "backends.json", 2, 58],
  ]);
});

test("what is loaded in steps is the same, and no step is the whole of the work", () => {
  const files = [listeners, routes, backends];
  for (const options of [{}, { target: "edge", isolate: true }] as const) {
    const steps = loadSteps(files, options);
    let pauses = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) pauses += 1;
    const whole = loadConfig(files, options);
    expect(step.value.snapshot).toEqual(whole.snapshot);
    expect(step.value.diagnostics).toEqual(whole.diagnostics);
    // Each file is read and its shape checked; then more than twenty checks.
    expect(pauses).toBeGreaterThan(2 * files.length + 20);
  }
});
