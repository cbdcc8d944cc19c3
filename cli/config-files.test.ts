import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadConfig } from "#config/load.ts";
import { fileFinder, readConfigFiles } from "./config-files.ts";

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

test("environment variables that a haproxy.cfg names come with it, and no others", async () => {
  const path = join(directory, "haproxy.cfg");
  const content = `.if defined(ISTHMUS_TEST_DEFINED)
.endif
defaults
  mode http
frontend web
  bind ":\${ISTHMUS_TEST_PORT}" # $ISTHMUS_TEST_COMMENT
  http-request return status 200 if { hdr(host) -f "\${ISTHMUS_TEST_FOLDER}/hosts" "\${ISTHMUS_TEST_UNSET-x}" } { path '$ISTHMUS_TEST_QUOTED' }
  log-format "\${HAPROXY_HTTP_LOG_FMT} x"
`;
  const folder = join(directory, "lists");
  await mkdir(folder);
  await writeFile(join(folder, "hosts"), "a.test\n");
  await writeFile(path, content);
  const names = ["PORT", "FOLDER", "COMMENT", "QUOTED", "DEFINED"].map((name) => `ISTHMUS_TEST_${name}`);
  for (const name of names) vi.stubEnv(name, name.endsWith("PORT") ? "8080" : folder);
  const files = await readConfigFiles([path]);
  vi.unstubAllEnvs();
  expect(files.map(({ name, role }) => [name, role])).toEqual([
    [path, undefined],
    [`${folder}/hosts`, "named"],
    ["ISTHMUS_TEST_DEFINED", "environment"],
    ["ISTHMUS_TEST_PORT", "environment"],
    ["ISTHMUS_TEST_FOLDER", "environment"],
  ]);
  const { snapshot, diagnostics } = loadConfig(files);
  expect(snapshot?.listeners[0]?.port).toBe(8080);
  expect(diagnostics.map(({ code, line }) => `${line} ${code}`)).toEqual(["7 statement-approximated"]);
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

test.each<[string, () => Promise<string>, RegExp]>([
  ["nothing", async () => join(directory, "none.yaml"), /there is no such file/],
  ["a folder", async () => directory, /it is a directory; name the files in it/],
  ["a link to itself", () => linkTo("loop.yaml"), /its links lead in a circle/],
  ["a file taken for a folder", async () => join(await linkTo(import.meta.filename), "x"), /no folder/],
  ["a device without an end", async () => "/dev/zero", /\/dev\/zero is longer than \d+ bytes/],
])("%s in place of a file: an error that names it", async (_name, path, expected) => {
  await expect(readConfigFiles([await path()])).rejects.toThrow(expected);
});

async function linkTo(target: string): Promise<string> {
  const path = join(directory, "loop.yaml");
  await symlink(target, path);
  return path;
}

const valid = "listeners: [{ name: web, protocol: HTTP, port: 80 }]\n";

test.each<[string, Buffer, string]>([
  ["nothing in it", Buffer.alloc(0), "file-empty"],
  ["random bytes", randomBytes(10_000), "text-invalid"],
  ["a NUL", Buffer.from(valid.replace("web", "w\0b")), "text-invalid"],
  ["Latin-1", Buffer.concat([Buffer.from(`${valid}# `), Buffer.from([0xe9])]), "text-invalid"],
  ["UTF-16", Buffer.from(`\uFEFF${valid}`, "utf16le"), "text-invalid"],
  ["the other UTF-16", Buffer.from(`\uFEFF${valid}`, "utf16le").swap16(), "text-invalid"],
  ["a haproxy.cfg in UTF-16", Buffer.from("\uFEFFfrontend a\n bind :80\n", "utf16le"), "text-invalid"],
  ["the first half", Buffer.from(valid.slice(0, 30)), "yaml-syntax"],
  ["half a character at the end", Buffer.from(`${valid}# é`).subarray(0, -1), "text-invalid"],
])("a file with %s: an error with its place", async (_name, bytes, code) => {
  const path = join(directory, "isthmus.yaml");
  await writeFile(path, bytes);
  const { snapshot, diagnostics } = loadConfig(await readConfigFiles([path]));
  expect(snapshot).toBeUndefined();
  expect(diagnostics[0]).toMatchObject({ code, file: path, severity: "error" });
  expect(diagnostics[0]!.line).toBeGreaterThan(0);
});

test.each([
  ["a byte order mark", `\uFEFF${valid}`],
  ["line ends of Windows", valid.replaceAll("\n", "\r\n")],
])("%s is no reason to refuse a file", async (_name, content) => {
  const path = join(directory, "isthmus.yaml");
  await writeFile(path, content);
  const { model, diagnostics } = loadConfig(await readConfigFiles([path]));
  expect(diagnostics).toEqual([]);
  expect(model!.listeners).toMatchObject([{ name: "web" }]);
});

test("a directory stands for the configuration files in it", async () => {
  const folder = join(directory, "tenants");
  await mkdir(join(folder, "deeper"), { recursive: true });
  for (const name of ["b.yaml", "a.yml", "c.cfg", ".hidden.yaml", "notes.txt", "deeper/d.yaml"]) {
    await writeFile(join(folder, name), "# nothing\n");
  }
  const files = await readConfigFiles([folder]);
  expect(files.map(({ name }) => name)).toEqual(
    ["a.yml", "b.yaml", "c.cfg"].map((name) => join(folder, name)),
  );
  // Files that these name are looked for beside them.
  expect(fileFinder([folder])("notes.txt")).toBe(join(folder, "notes.txt"));
  await expect(readConfigFiles([join(folder, "deeper", "..", "..", "empty")])).rejects.toThrow(
    /there is no such file/,
  );
  await mkdir(join(directory, "empty"));
  await expect(readConfigFiles([join(directory, "empty")])).rejects.toThrow(
    /name the files in it: no name ends in/,
  );
});
