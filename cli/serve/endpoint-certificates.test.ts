import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keyFileName } from "#contract/backend-tls.ts";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { exportPrivateKeyPem } from "#contract/identity/key-pair.ts";
import { prepareEndpointTls } from "./endpoint-certificates.ts";

const valid = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
const authority = await issueAuthority("clients", undefined, valid);
const pair = async (name: string) => {
  const { pem, keyPair } = await issueLeaf(authority, `spiffe://example.org/ns/a/sa/${name}`, valid);
  return { certificate: pem, privateKey: await exportPrivateKeyPem(keyPair.privateKey) };
};
const [one, two] = await Promise.all([pair("one"), pair("two")]);

async function keyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-keys-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  return directory;
}

test("a key of the configuration becomes a file; one that does not fit, or is not there, is said", async () => {
  const directory = await keyDirectory();
  const log: string[] = [];
  const backends = [
    { name: "mixed", tls: { clientCertificate: { ...two, privateKey: one.privateKey } } },
    { name: "emptied", tls: { clientCertificate: { ...two, privateKey: "" } } },
    { name: "good", tls: { clientCertificate: one } },
  ];
  await prepareEndpointTls(backends, ["isthmus.yaml"], directory, (line) => log.push(line));
  expect(await readdir(directory)).toEqual([await keyFileName(one.certificate)]);
  expect(await readFile(join(directory, await keyFileName(one.certificate)), "utf8")).toBe(one.privateKey);
  expect(log).toEqual([expect.stringContaining("backend mixed"), expect.stringContaining("backend emptied")]);
  expect(log.join("\n")).not.toContain("PRIVATE KEY");
});

test("a file that is not there is named; files of a tunnel's agents are beside those", async () => {
  const directory = await keyDirectory();
  const tls = { caFiles: ["missing.pem"] };
  const prepared = (more: object) =>
    prepareEndpointTls([{ name: "b", tls, ...more }], [join(directory, "isthmus.yaml")], directory, () => {});
  await expect(prepared({})).rejects.toThrow(/missing\.pem/);
  await prepared({ tunnel: "t" });
});
