// Every field of Envoy Gateway's kinds: it changes what is served, or something is said of it. `every-field.txt` has a line for
// each, with what becomes of it and an object's spec that has it; what nothing is read of has one line for all below it.
// `UPDATE_FIELDS=1 vitest run --project node config/envoy-gateway/every-field.node.test.ts` writes what becomes of them anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";
import { lossesByKind } from "./unread-fields.ts";

const pem = (what: string): string => `"-----BEGIN ${what}-----\\nAAAA\\n-----END ${what}-----"`;

const world = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: edge }
spec:
  gatewayClassName: eg
  listeners: [{ name: http, port: 80, protocol: HTTP }, { name: https, port: 443, protocol: HTTPS, tls: { certificateRefs: [{ name: x-name }] } }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: web }
spec:
  parentRefs: [{ name: edge }]
  rules:
    - filters: [{ type: ExtensionRef, extensionRef: { group: gateway.envoyproxy.io, kind: HTTPRouteFilter, name: x } }]
      backendRefs: [{ name: web, port: 80 }, { group: gateway.envoyproxy.io, kind: Backend, name: x }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: connections }
spec: { gatewayClassName: eg, listeners: [{ name: tcp, port: 5432, protocol: TCP }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: database }
spec: { parentRefs: [{ name: connections }], rules: [{ backendRefs: [{ name: database, port: 5432 }] }] }
---
apiVersion: v1
kind: Secret
metadata: { name: x-name }
stringData: { credential: secret, .htpasswd: "a:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=", tls.crt: ${pem("CERTIFICATE")}, tls.key: ${pem("PRIVATE KEY")}, ca.crt: ${pem("CERTIFICATE")}, ca.crl: ${pem("X509 CRL")} }
---
`;
const others = [
  { kind: "HTTPRouteFilter", spec: {} },
  { kind: "Backend", spec: { endpoints: [{ ip: { address: "127.0.0.1", port: 1 } }] } },
];

type Spec = Readonly<Record<string, unknown>>;

const loaded = new Map<string, ReturnType<typeof loadConfig>>();

/** Many fields are compared with one and the same object without them. */
function load(kind: string, spec: Spec, target: string): ReturnType<typeof loadConfig> {
  const key = JSON.stringify([kind, spec, target]);
  const known = loaded.get(key) ?? loadNew(kind, spec, target);
  loaded.set(key, known);
  return known;
}

function loadNew(kind: string, spec: Spec, target: string) {
  const group = "gateway.networking.k8s.io";
  const isPolicy = kind.endsWith("Policy");
  const own = isPolicy ? { targetRefs: [{ group, kind: "Gateway", name: target }], ...spec } : spec;
  const objects = [...others.filter((other) => other.kind !== kind), { kind, spec: own }].map((object) =>
    JSON.stringify({ apiVersion: "gateway.envoyproxy.io/v1alpha1", metadata: { name: "x" }, ...object }),
  );
  return loadConfig([{ name: "f.yaml", content: world + objects.join("\n---\n") }]);
}

function without(value: Spec, [step = "", ...rest]: readonly string[]): Spec {
  const { [step.replace("[]", "")]: inner, ...others } = value;
  if (rest.length === 0) return others;
  const item = (step.endsWith("[]") ? (inner as Spec[])[0] : inner) as Spec | undefined;
  if (item === undefined) return others;
  const left = without(item, rest);
  return { ...others, [step.replace("[]", "")]: step.endsWith("[]") ? [left] : left };
}

/** What the object's own diagnostics are, wherever the file has them. */
function said({ diagnostics }: ReturnType<typeof loadConfig>): string[] {
  return diagnostics.map(({ severity, code, message }) => `${severity} ${code} ${message}`);
}

function isWithin(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[]`);
}

type Outcome = "read" | "approximated" | "warned" | "refused" | "silent";

function outcomeOf(kind: string, path: string, spec: Spec): Outcome {
  // PROXY headers are for connections.
  const target = path.startsWith("proxyProtocol") && kind === "BackendTrafficPolicy" ? "connections" : "edge";
  const unread = Object.keys(lossesByKind[kind]!).find((field) => isWithin(path, field));
  const found = load(kind, spec, target);
  const bare = load(kind, without(spec, (unread ?? path).split(".")), target);
  const known = said(bare);
  const news = said(found).filter((line) => !known.includes(line));
  if (news.some((line) => /^error (?:field|object)/.test(line)))
    throw new Error(`${kind} ${path}: ${news.join("; ")}`);
  if (news.some((line) => line.startsWith("error"))) return "refused";
  if (news.some((line) => line.startsWith("warning statement-ignored"))) return "warned";
  if (news.length > 0) return "approximated";
  const isSame = JSON.stringify(found.model) === JSON.stringify(bare.model);
  return isSame && known.length === said(found).length ? "silent" : "read";
}

const file = join(import.meta.dirname, "every-field.txt");

test("none is dropped silently", () => {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const found = lines.map((line) => {
    const [, kind, path, spec] = /^(\S+) (\S+) \S+ (.*)$/.exec(line)!;
    return `${kind} ${path} ${outcomeOf(kind!, path!, JSON.parse(spec!) as Spec)} ${spec}`;
  });
  if (process.env["UPDATE_FIELDS"] === "1") writeFileSync(file, `${found.join("\n")}\n`);
  expect(found).toEqual(lines);
  expect(found.filter((line) => line.split(" ")[2] === "silent")).toEqual([]);
});

test("every loss is one of a field", () => {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const paths = lines.map((line) => line.split(" ").slice(0, 2).join(" "));
  const losses = Object.entries(lossesByKind).flatMap(([kind, fields]) =>
    Object.keys(fields).flatMap((field) => (field === "" ? [] : [`${kind} ${field}`])),
  );
  expect(losses.filter((loss) => !paths.some((path) => isWithin(path, loss)))).toEqual([]);
});
