// `isthmus diff` and `convert` as people run them: files in, words and counts out, exit codes.
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runIsthmus } from "./system/isthmus.ts";
import { selfSignedPem } from "./system/self-signed.ts";

const haproxy = `defaults
  mode http
frontend web
  bind :80
  use_backend api if { path_beg /api }
  default_backend site
backend site
  server s 10.0.0.1:80
backend api
  server a 10.0.0.2:80
`;

let folder: string;
const file = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-diff-"));
  await writeFile(file("haproxy.cfg"), haproxy);
  await writeFile(file("moved.cfg"), haproxy.replace("/api }", "/api /v2 }"));
  const log = ["/api/x", "/v2/x", "/v2/x", "/"].map(
    (path) =>
      `10.0.9.9:1 [06/Feb/2026:12:14:14.655] web x/y 0/0/0/1/1 200 9 - - ---- 1/1/1/1/0 0/0 "GET ${path} HTTP/1.1"`,
  );
  await writeFile(file("log"), log.join("\n"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("converted, nothing goes elsewhere", async () => {
  const converted = await runIsthmus(["convert", file("haproxy.cfg"), "-o", file("isthmus.yaml")]);
  expect(converted).toMatchObject({ code: 0, stderr: "0 errors, 0 warnings\n" });
  expect((await stat(file("isthmus.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readFile(file("isthmus.yaml"), "utf8")).toContain(
    `# from ${file("haproxy.cfg")}:5 frontend.web`,
  );
  const { stdout } = await runIsthmus(["diff", file("haproxy.cfg"), file("isthmus.yaml")]);
  expect(stdout).toMatch(/^no changes\n\n.*, 0 would go elsewhere, 0 would be handled otherwise/);
});

test("an access log says how many requests go elsewhere", async () => {
  const run = [
    "diff",
    file("haproxy.cfg"),
    file("moved.cfg"),
    "--requests",
    file("log"),
    "--host",
    "www.test",
  ];
  const { code, stdout } = await runIsthmus(run);
  expect(code).toBe(0);
  expect(stdout).toContain("4 requests, 2 would go elsewhere");
  expect(stdout).toContain(`2  such as GET http://www.test/v2/x
          before: 100 % (10.0.0.1:80)
          after:  100 % (10.0.0.2:80)`);
  const { traffic } = JSON.parse((await runIsthmus([...run, "--json"])).stdout) as { traffic: unknown };
  expect(traffic).toMatchObject({ total: 4, elsewhere: 2, otherwise: 0, unreadable: 0 });
});

test("a certificate that changed is told, of a Secret as of a directory", async () => {
  const pems = await Promise.all(["www.test", "www.test"].map(selfSignedPem));
  for (const [index, pem] of pems.entries()) {
    const [certificate = "", key = ""] = pem.split(/(?<=-----END CERTIFICATE-----\n)/);
    await writeFile(file(`ingress-${index}.yaml`), tlsIngress(certificate, key));
    await mkdir(file(`certs-${index}`));
    await writeFile(join(file(`certs-${index}`), "www.pem"), pem);
    await writeFile(
      file(`tls-${index}.cfg`),
      haproxy.replace(":80", `:443 ssl crt ${file(`certs-${index}`)}`),
    );
  }
  for (const [from, to] of [
    ["ingress-0.yaml", "ingress-1.yaml"],
    ["tls-0.cfg", "tls-1.cfg"],
    ["ingress-0.yaml", "tls-1.cfg"],
  ] as const) {
    const { code, stdout } = await runIsthmus(["diff", file(from), file(to)]);
    expect(code).toBe(0);
    expect(stdout).toContain("~ certificate of port 443 for www.test\n    another key\n");
    const { stdout: same } = await runIsthmus(["diff", file(to), file(to)]);
    expect(same).toMatch(/^no changes/);
  }
});

function tlsIngress(certificate: string, key: string): string {
  const objects = [
    {
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name: "site" },
      spec: {
        tls: [{ hosts: ["www.test"], secretName: "site" }],
        rules: [
          {
            host: "www.test",
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name: "s", port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    },
    {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "site" },
      data: { "tls.crt": btoa(certificate), "tls.key": btoa(key) },
    },
  ];
  return objects.map((one) => JSON.stringify(one)).join("\n---\n");
}

test("what cannot be read says what is missing", async () => {
  const noHost = await runIsthmus([
    "diff",
    file("haproxy.cfg"),
    file("moved.cfg"),
    "--requests",
    file("log"),
  ]);
  expect(noHost).toMatchObject({ code: 2, stderr: expect.stringContaining("need --host") as string });
  const missing = await runIsthmus(["diff", file("haproxy.cfg"), file("none.yaml")]);
  expect(missing).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("there is no such file") as string,
  });
  await writeFile(file("broken.cfg"), "frontend web\n  bnd :80\n");
  const broken = await runIsthmus(["convert", file("broken.cfg"), "-o", file("never.yaml")]);
  expect(broken).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("broken.cfg:2:3: error") as string,
  });
  await expect(stat(file("never.yaml"))).rejects.toThrow("ENOENT");
});
