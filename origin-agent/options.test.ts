import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readOptions } from "./options.ts";

const flags = {
  edge: "https://edge.example.com:7443",
  tunnel: "production",
  caFile: "ca.pem",
  allow: ["10.0.0.0/8"],
  data: "data",
};

async function configFile(content: string) {
  const dir = await mkdtemp(join(tmpdir(), "isthmus-options-"));
  onTestFinished(() => rm(dir, { recursive: true }));
  const path = join(dir, "agent.yaml");
  await writeFile(path, content);
  return { dir, path };
}

test("flags alone are enough; the rest has defaults", () => {
  expect(readOptions(flags)).toMatchObject({
    ...flags,
    drainTimeoutMs: 30_000,
    instance: expect.any(String),
  });
});

test("a config file has the same names; its paths are relative to it and flags win", async () => {
  const { dir, path } = await configFile(
    "edge: https://edge.example.com\ntunnel: production\ncaFile: ca.pem\nallow: [10.0.0.0/8]\ndata: state\ndrainTimeout: 5s\n",
  );
  expect(readOptions({ tunnel: "staging" }, path)).toMatchObject({
    edge: "https://edge.example.com",
    tunnel: "staging",
    caFile: join(dir, "ca.pem"),
    data: join(dir, "state"),
    drainTimeoutMs: 5_000,
  });
});

test.each(["edge", "tunnel", "caFile", "allow", "data"])("without %s the error says what to give", (name) => {
  const rest = Object.fromEntries(Object.entries(flags).filter(([key]) => key !== name));
  expect(() => readOptions(rest)).toThrow(
    expect.objectContaining({
      code: "options_invalid",
      message: `${name} is missing`,
      remedy: expect.stringContaining(`--${name === "caFile" ? "ca-file" : name}`),
    }),
  );
});

test.each([
  [{ edge: "http://edge.example.com" }, "edge expected https://"],
  [{ edge: "https://edge.example.com/path" }, "edge expected https://"],
  [{ tunnel: "not a name" }, "tunnel expected letters"],
  [{ drainTimeout: "soon" }, "drainTimeout expected a duration"],
])("%j is refused by name", (wrong, message) => {
  expect(() => readOptions({ ...flags, ...wrong })).toThrow(
    expect.objectContaining({ message: expect.stringContaining(message) }),
  );
});

test("an unknown key in the file is named", async () => {
  const { path } = await configFile("egde: https://edge.example.com\n");
  expect(() => readOptions(flags, path)).toThrow(/agent\.yaml: .*egde/);
});

test("a file that is not YAML is named with the place", async () => {
  const { path } = await configFile("edge: [unclosed\n");
  expect(() => readOptions(flags, path)).toThrow(/agent\.yaml: .*line 2/s);
});
