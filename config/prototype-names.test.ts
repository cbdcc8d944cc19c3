// Names that every object has (`constructor`) are no entries of anybody's table: each is read like any other word.
import { expect, test } from "vitest";
import { loadConfig } from "./load.ts";

const names = ["constructor", "toString", "__proto__", "hasOwnProperty"];

const haproxy = (name: string): string[] =>
  [
    `http-request set-header ${name} %[src]`,
    `http-request set-header X-A %[${name}]`,
    `http-request set-header X-A %${name}`,
    `http-request set-header X-A %[src,${name}]`,
    `http-request set-header X-A %[var(txn.${name})]`,
    `use_backend b if { ${name} x }`,
    `use_backend b if { ${name}_beg x }`,
    `use_backend b if { path -m ${name} x }`,
    `use_backend b if { path,map_${name}(f) x }`,
    `use_backend b if ${name}`,
    `http-request ${name}`,
    `http-request return ${name}`,
    `option ${name}`,
    `balance ${name}`,
    `${name} a`,
    `stick-table type ${name} size 1`,
    `timeout ${name} 5s`,
  ].map(
    (line) =>
      `defaults\n mode http\nfrontend f\n bind :80\n ${line}\n default_backend b\nbackend b\n server s 10.0.0.1:80 ${name}\n`,
  );

const object = (apiVersion: string, kind: string, rest: object): string =>
  JSON.stringify({ apiVersion, kind, metadata: { name: "a", namespace: "n" }, ...rest });
const backend = { service: { name: "a", port: { number: 80 } } };
const rules = [{ host: "a.test", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }];

const kubernetes = (name: string): string[] => [
  object("gateway.networking.k8s.io/v1", "Gateway", {
    spec: { gatewayClassName: "isthmus", listeners: [{ name: "l", port: 80, protocol: name }] },
  }),
  object("gateway.envoyproxy.io/v1alpha1", "SecurityPolicy", {
    spec: {
      targetSelectors: [{ kind: name, matchLabels: { a: "b" } }],
      targetRef: { group: name, kind: name, name: "a" },
    },
  }),
  object("security.istio.io/v1", "AuthorizationPolicy", {
    spec: { rules: [{ when: [{ key: name, values: ["a"] }] }] },
  }),
  ...[
    "proxy-next-upstream",
    "ssl-redirect",
    "backend-protocol",
    "affinity",
    "auth-type",
    "upstream-hash-by",
  ].map((annotation) =>
    JSON.stringify({
      ...(JSON.parse(object("networking.k8s.io/v1", "Ingress", { spec: { rules } })) as object),
      metadata: {
        name: "a",
        namespace: "n",
        annotations: { [`nginx.ingress.kubernetes.io/${annotation}`]: name },
      },
    }),
  ),
  object("v1", "Service", { spec: { ports: [{ port: 80, protocol: name, appProtocol: name }] } }),
  object("a.test/v1", name, { spec: {} }),
];

test.each(names)("%s", (name) => {
  for (const content of haproxy(name)) loadConfig([{ name: "haproxy.cfg", content }]);
  for (const content of kubernetes(name)) loadConfig([{ name: "a.yaml", content }]);
  const native = {
    listeners: [{ name, protocol: name, port: 80 }],
    [name]: 1,
    routes: [{ name, rules: [{ [name]: 1 }] }],
  };
  const { snapshot } = loadConfig([{ name: "a.json", content: JSON.stringify(native) }]);
  expect(snapshot).toBeUndefined();
});
