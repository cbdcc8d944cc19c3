import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { readConfigFiles } from "./config-files.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "isthmus-files-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const configuration = `defaults
  mode http
frontend web
  bind :80
  http-request deny if { src -f "blocked.lst" }
  use_backend %[req.hdr(host),lower,map(hosts.map)]
backend shop
  server s1 10.0.0.1:80
`;

test("files that a haproxy.cfg names are read beside it", async () => {
  const path = join(directory, "haproxy.cfg");
  await writeFile(path, configuration);
  await writeFile(join(directory, "hosts.map"), "shop.test shop\n");
  await writeFile(join(directory, "blocked.lst"), "192.0.2.0/24\n");
  const files = await readConfigFiles([path]);
  expect(files.map(({ name, role }) => [name, role])).toEqual([
    [path, undefined],
    ["blocked.lst", "named"],
    ["hosts.map", "named"],
  ]);
  const { model, diagnostics } = loadConfig(files);
  expect(diagnostics).toEqual([]);
  expect(model!.routes.flatMap(({ hostnames }) => hostnames ?? [])).toEqual(["shop.test"]);
});

test("the configuration is told about a file that is not there", async () => {
  const path = join(directory, "haproxy.cfg");
  await writeFile(path, configuration);
  await writeFile(join(directory, "hosts.map"), "shop.test shop\n");
  const { diagnostics } = loadConfig(await readConfigFiles([path]));
  expect(diagnostics).toMatchObject([{ code: "statement-unsupported", line: 5 }]);
  expect(diagnostics[0]!.message).toContain('there is no file "blocked.lst"');
});

test("of a folder of certificates the names are read, of a certificate nothing", async () => {
  const path = join(directory, "haproxy.cfg");
  await mkdir(join(directory, "sites"));
  await mkdir(join(directory, "sites", "old"));
  for (const file of ["b.pem", "a.pem"]) await writeFile(join(directory, "sites", file), "secret");
  await writeFile(join(directory, "single"), "secret");
  await writeFile(path, configuration.replace("bind :80", "bind :443 ssl crt sites/ crt single"));
  const files = await readConfigFiles([path]);
  expect(files.filter(({ role }) => role === "named")).toEqual([
    { name: "sites/", content: "a.pem\nb.pem", role: "named" },
  ]);
});

test("a pipe that a configuration names is not waited for", async () => {
  const path = join(directory, "haproxy.cfg");
  await writeFile(path, configuration);
  await writeFile(join(directory, "blocked.lst"), "192.0.2.0/24\n");
  execFileSync("mkfifo", [join(directory, "hosts.map")]);
  await expect(readConfigFiles([path])).rejects.toThrow(/hosts\.map: it is no file/);
});
