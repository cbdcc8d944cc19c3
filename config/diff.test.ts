import * as fc from "fast-check";
import { expect, test } from "vitest";
import { diffSnapshots } from "./diff.ts";
import { loadConfig } from "./load.ts";
import { configArbitrary } from "./native/config.fixture.ts";

const snapshot = (config: unknown) => loadConfig([{ name: "", content: JSON.stringify(config) }]).snapshot!;
const web = { name: "web", protocol: "HTTP", port: 80 };

test("names what was added, removed and changed, in the order of kinds and names", () => {
  const from = snapshot({ listeners: [web], backends: [{ name: "b" }, { name: "a" }] });
  const to = snapshot({
    listeners: [{ ...web, port: 8080 }],
    backends: [{ name: "c" }, { name: "b", tunnel: "t" }],
    accessLog: { mode: "all" },
  });
  expect(diffSnapshots(from, to).map(({ kind, what, name }) => `${kind} ${what} ${name}`)).toEqual([
    "changed listener web",
    "removed backend a",
    "changed backend b",
    "added backend c",
    "changed settings accessLog",
  ]);
  expect(diffSnapshots(from, to)[0]).toMatchObject({ before: { port: 80 }, after: { port: 8080 } });
});

test("pages of errors are told of, too", () => {
  const withPage = (statusCode: number) =>
    snapshot({
      listeners: [{ ...web, errorPages: "site" }],
      errorPages: [
        { name: "site", pages: [{ match: { errorCodes: ["internal"] }, response: { statusCode } }] },
      ],
    });
  expect(diffSnapshots(withPage(503), withPage(503))).toEqual([]);
  expect(diffSnapshots(withPage(503), withPage(502))).toMatchObject([
    { kind: "changed", what: "errorPages", name: "site" },
  ]);
});

test("a snapshot does not differ from itself, and the way back is the mirror image", () => {
  fc.assert(
    fc.property(configArbitrary, configArbitrary, (a, b) => {
      const [from, to] = [snapshot(a), snapshot(b)];
      expect(diffSnapshots(from, structuredClone(from))).toEqual([]);
      const mirrored = diffSnapshots(to, from).map(({ kind, what, name, before, after }) => ({
        kind: kind === "added" ? "removed" : kind === "removed" ? "added" : "changed",
        what,
        name,
        ...(after === undefined ? {} : { before: after }),
        ...(before === undefined ? {} : { after: before }),
      }));
      expect(diffSnapshots(from, to)).toEqual(mirrored);
    }),
    { numRuns: 25 },
  );
});
