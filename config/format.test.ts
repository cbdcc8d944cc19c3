import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatConfig } from "./format.ts";
import { configArbitrary } from "./native/config.fixture.ts";
import { everyField } from "./native/every-field.fixture.ts";
import { parseNative } from "./native/parse.ts";
import { nativeConfigSchema } from "./native/schema.ts";

test("what is printed parses to the same model, and prints the same again", () => {
  fc.assert(
    fc.property(configArbitrary, (input) => {
      const config = nativeConfigSchema.parse(input);
      const text = formatConfig(config);
      const parsed = parseNative({ name: "", content: text });
      expect(parsed.diagnostics).toEqual([]);
      expect(parsed.config).toEqual(config);
      expect(formatConfig(parsed.config!)).toBe(text);
    }),
    { numRuns: 40 },
  );
});

describe("every field of the schema", () => {
  const { values, missing } = everyField(nativeConfigSchema);

  test("has a value", () => {
    expect(missing, "every-field.fixture.ts needs a text of their kind").toEqual([]);
    expect(values.length).toBeGreaterThan(500);
  });

  test("survives, and prints the same again", () => {
    for (const value of values) {
      const config = nativeConfigSchema.parse(value);
      const text = formatConfig(config);
      const parsed = parseNative({ name: "", content: text }).config;
      expect(parsed, text).toEqual(config);
      expect(formatConfig(parsed!), text).toBe(text);
    }
  });
});

test("any header value survives", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 100 }), (value) => {
      const config = nativeConfigSchema.parse({
        routes: [{ name: "a", rules: [{ matches: [{ headers: [{ name: "x", value }] }] }] }],
      });
      expect(parseNative({ name: "", content: formatConfig(config) }).config).toEqual(config);
    }),
    { numRuns: 50 },
  );
});

test("defaults are left out, keys are in the schema's order, short values on one line", () => {
  const config = nativeConfigSchema.parse({
    accessLog: { mode: "errors" },
    backends: [{ endpoints: [{ weight: 1, port: 80, address: "10.0.0.1" }], name: "b", protocol: "HTTP" }],
    routes: [
      {
        rules: [{ backendRefs: [{ name: "b" }], matches: [{ path: { value: "/x" }, method: "GET" }] }],
        name: "a",
      },
    ],
    listeners: [{ port: 80, protocol: "HTTP", name: "web", hostnames: [] }],
  });
  expect(formatConfig(config)).toBe(`listeners:
  - { name: web, protocol: HTTP, port: 80 }
routes:
  - name: a
    rules:
      - matches:
          - path: { type: PathPrefix, value: /x }
            method: GET
        backendRefs:
          - { name: b }
backends:
  - name: b
    endpoints:
      - { address: 10.0.0.1, port: 80 }
`);
});
