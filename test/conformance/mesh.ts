// Routes of the mesh: their parent is the Service `echo`, whose clients ask the gateway on this machine for it.
import { expect } from "vitest";
import { ask } from "../system/http.ts";
import { accepted, type ConformanceTest, type Running } from "./conformance-test.ts";
import { callWith, grpcServices, toGrpc } from "./grpc-route.ts";
import { expectAll, to, v1, v2 } from "./http-route-manifests.ts";
import { baseServices, countAnswers, echoOf, get, route, type World } from "./world.ts";

/** A Service that has no endpoints: whoever is not sent elsewhere gets no answer. */
const echo = ({ namespace, ports }: World, more = ""): string => `---
apiVersion: v1
kind: Service
metadata: { name: echo, namespace: ${namespace} }
spec: { ports: [{ name: http, port: ${ports["mesh"]} }${more}] }
`;

interface Asking extends Running {
  readonly port: number;
  /** As clients of the namespace call the Service. */
  readonly host: string;
}

/** A test with one route for `echo`. */
function mesh(
  name: string,
  rules: string,
  run: (asking: Asking) => Promise<void>,
  { kind = "HTTPRoute", parent = "" } = {},
): ConformanceTest {
  return {
    name,
    support: "core",
    ports: ["mesh"],
    manifests: (world) =>
      echo(world) +
      (kind === "GRPCRoute" ? grpcServices(world) : baseServices(world)) +
      route(
        world,
        "r",
        `parentRefs: [{ group: "", kind: Service, name: echo${parent} }]\nrules:\n${rules}`,
        kind,
      ),
    run: async (world) => {
      expect(world.conditionsOf(kind, "r", "echo")).toEqual(accepted);
      await run({ ...world, port: world.ports["mesh"]!, host: `echo.${world.namespace}` });
    },
  };
}

function redirect(
  name: string,
  rules: Readonly<Record<string, string>>,
  expected: (host: string, port: number) => Readonly<Record<string, string>>,
): ConformanceTest {
  const texts = Object.entries(rules).map(
    ([path, fields]) =>
      `  - { matches: [{ path: { value: ${path} } }], filters: [{ type: RequestRedirect, requestRedirect: { ${fields} } }] }`,
  );
  return mesh(name, texts.join("\n"), async ({ port, host }) => {
    const found: Record<string, string> = {};
    for (const path of Object.keys(expected(host, port)))
      found[path] = await get(port, `${host}:${port}`, path);
    expect(found).toEqual(expected(host, port));
  });
}

const changes =
  "{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Header-Set, value: new }], add: [{ name: X-Header-Add, value: more }], remove: [X-Header-Remove] } }";

async function expectChanges({ port, host }: Asking): Promise<void> {
  const sent = { "x-header-set": "old", "x-header-add": "some", "x-header-remove": "gone" };
  const { name, headers } = await echoOf(port, host, "/", { headers: sent });
  expect([name, headers["x-header-set"], headers["x-header-add"], headers["x-header-remove"]]).toEqual([
    "infra-backend-v1",
    "new",
    "some, more",
    undefined,
  ]);
}

const prefix = "path: { type: ReplacePrefixMatch, replacePrefixMatch: /new }";
const full = "path: { type: ReplaceFullPath, replaceFullPath: /full }";

export const meshRoutes: readonly ConformanceTest[] = [
  mesh("MeshHTTPRouteSimpleSameNamespace", `  - backendRefs: ${to(1)}`, async ({ port, host, namespace }) => {
    // By every name that the cluster's DNS has for the Service, but not by that of another namespace.
    await expectAll(port, { [`${host} /`]: v1, [`${host}.svc /a`]: v1, [`${host}.svc.cluster.local /`]: v1 });
    await expectAll(port, { "echo /": "404", [`infra-backend-v1.${namespace} /`]: "404" });
  }),
  mesh(
    "MeshHTTPRouteMatching",
    `  - { matches: [{ path: { value: / } }, { headers: [{ name: version, value: one }] }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /v2 } }, { headers: [{ name: version, value: two }] }], backendRefs: ${to(2)} }`,
    async ({ port, host }) =>
      expectAll(port, {
        [`${host} /`]: v1,
        [`${host} / version=one`]: v1,
        [`${host} /v2/example`]: v2,
        [`${host} / version=two`]: v2,
        [`${host} /v2example`]: v1,
        [`${host} /foo/v2/example`]: v1,
      }),
  ),
  mesh(
    "MeshHTTPRouteQueryParamMatching",
    `  - { matches: [{ queryParams: [{ name: animal, value: whale }] }], backendRefs: ${to(1)} }
  - { matches: [{ queryParams: [{ name: animal, value: dolphin }] }], backendRefs: ${to(2)} }
  - { matches: [{ headers: [{ name: version, value: one }], queryParams: [{ name: animal, value: whale }] }], backendRefs: ${to(2)} }`,
    async ({ port, host }) =>
      expectAll(port, {
        [`${host} /?animal=whale`]: v1,
        [`${host} /?animal=dolphin&color=yellow`]: v2,
        [`${host} /?animal=whale version=one`]: v2,
        [`${host} /?animal=whaledolphin`]: "404",
        [`${host} /`]: "404",
      }),
  ),
  mesh(
    "MeshHTTPRouteNamedRule",
    `  - { name: named-rule, matches: [{ path: { value: /named } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /unnamed } }], backendRefs: ${to(2)} }`,
    async ({ port, host }) => expectAll(port, { [`${host} /named`]: v1, [`${host} /unnamed`]: v2 }),
  ),
  mesh(
    "MeshHTTPRouteWeight",
    `  - backendRefs: [{ name: infra-backend-v1, port: 8080, weight: 70 }, { name: infra-backend-v2, port: 8080, weight: 30 }]`,
    async ({ port, host }) => {
      const counts = await countAnswers(500, () => get(port, host));
      expect([...counts.keys()].sort()).toEqual([v1, v2]);
      expect(Math.abs(counts.get(v1!)! / 500 - 0.7)).toBeLessThan(0.05);
    },
  ),
  mesh(
    "MeshHTTPRouteRequestHeaderModifier",
    `  - { filters: [${changes}], backendRefs: ${to(1)} }`,
    expectChanges,
  ),
  mesh(
    "MeshHTTPRouteBackendRequestHeaderModifier",
    `  - backendRefs: ${to(1, `, filters: [${changes}]`)}`,
    expectChanges,
  ),
  mesh(
    "MeshHTTPRouteRewritePath",
    `  - { matches: [{ path: { value: /prefix/one } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /one } } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /strip-prefix } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /full/one } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /one } } }, ${changes}], backendRefs: ${to(1)} }`,
    async ({ port, host }) => {
      const seen = async (path: string) => (await echoOf(port, host, path)).url;
      expect(await seen("/prefix/one/two")).toBe("/one/two");
      expect(await seen("/strip-prefix/three")).toBe("/three");
      expect(await seen("/strip-prefix")).toBe("/");
      const { url, headers } = await echoOf(port, host, "/full/one/two");
      expect([url, headers["x-header-set"]]).toEqual(["/one", "new"]);
    },
  ),
  redirect(
    "MeshHTTPRouteRedirectHostAndStatus",
    {
      "/hostname-redirect": "hostname: example.org",
      "/host-and-status": "hostname: example.org, statusCode: 301",
    },
    (_, port) => ({
      "/hostname-redirect": `302 http://example.org:${port}/hostname-redirect`,
      "/host-and-status": `301 http://example.org:${port}/host-and-status`,
    }),
  ),
  redirect(
    "MeshHTTPRouteRedirectPath",
    {
      "/prefix": prefix,
      "/all": full,
      "/path-and-host": `hostname: example.org, ${prefix}`,
      "/path-and-status": `statusCode: 301, ${full}`,
    },
    (host, port) => ({
      "/prefix/lemon": `302 http://${host}:${port}/new/lemon`,
      "/all/path": `302 http://${host}:${port}/full`,
      "/path-and-host/a": `302 http://example.org:${port}/new/a`,
      "/path-and-status": `301 http://${host}:${port}/full`,
    }),
  ),
  redirect(
    "MeshHTTPRouteRedirectPort",
    { "/port": "port: 8083", "/port-and-host": "port: 8083, hostname: example.org, statusCode: 301" },
    (host) => ({
      "/port": `302 http://${host}:8083/port`,
      "/port-and-host": "301 http://example.org:8083/port-and-host",
    }),
  ),
  redirect(
    "MeshHTTPRouteSchemeRedirect",
    {
      "/scheme": "scheme: https",
      "/scheme-and-host": "scheme: https, hostname: example.org, statusCode: 301",
    },
    (host) => ({
      "/scheme": `302 https://${host}/scheme`,
      "/scheme-and-host": "301 https://example.org/scheme-and-host",
    }),
  ),
  ...[303, 307, 308].map((status) =>
    redirect(
      `MeshHTTPRoute${status}Redirect`,
      { "/moved": `hostname: example.org, statusCode: ${status}` },
      (_, port) => ({
        "/moved": `${status} http://example.org:${port}/moved`,
      }),
    ),
  ),
  mesh(
    "MeshFrontend",
    `  - filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: X-Header-Set, value: set }] } }]
    backendRefs: ${to(2)}`,
    async ({ port, host, pods }) => {
      expect((await ask({ port, host })).headers["x-header-set"]).toBe("set");
      const pod = pods.ports.get("infra-backend-v2")!;
      expect((await ask({ port: pod, host })).headers["x-header-set"]).toBeUndefined();
    },
  ),
  {
    name: "MeshTrafficSplit",
    support: "core",
    ports: ["mesh", "other"],
    // All ports of the Service, since the reference names none.
    manifests: (world) =>
      echo(world, `, { name: other, port: ${world.ports["other"]} }`) +
      baseServices(world) +
      route(
        world,
        "r",
        `parentRefs: [{ group: "", kind: Service, name: echo }]
rules:
  - { matches: [{ path: { type: Exact, value: /v1 } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { type: Exact, value: /v2 } }], backendRefs: ${to(2)} }`,
      ),
    run: async ({ ports, namespace }) => {
      const host = `echo.${namespace}`;
      const table = { [`${host} /v1`]: v1, [`${host} /v2`]: v2, [`${host} /`]: "404" };
      await expectAll(ports["mesh"]!, table);
      await expectAll(ports["other"]!, table);
    },
  },
  mesh(
    "MeshGRPCRouteWeight",
    `  - backendRefs: [{ name: grpc-infra-backend-v1, port: 8080, weight: 70 }, { name: grpc-infra-backend-v2, port: 8080, weight: 30 }, { name: grpc-infra-backend-v3, port: 8080, weight: 0 }]`,
    async ({ port, host }) => {
      const counts = await countAnswers(500, async () =>
        String((await callWith(port, { authority: host })).backend),
      );
      expect([...counts.keys()].sort()).toEqual(["grpc-infra-backend-v1", "grpc-infra-backend-v2"]);
      expect(Math.abs(counts.get("grpc-infra-backend-v1")! / 500 - 0.7)).toBeLessThan(0.05);
    },
    { kind: "GRPCRoute" },
  ),
  mesh(
    "MeshGRPCRouteRequestHeaderModifier",
    `  - { matches: [{ headers: [{ name: x-test-case, value: all }] }], filters: [${changes}], backendRefs: ${toGrpc(1)} }`,
    async ({ port, host }) => {
      const metadata = { "x-test-case": "all", "x-header-set": "old", "x-header-remove": "gone" };
      const { backend, seen } = await callWith(port, { authority: host, metadata });
      expect([backend, seen["x-header-set"], seen["x-header-add"], seen["x-header-remove"]]).toEqual([
        "grpc-infra-backend-v1",
        "new",
        "more",
        undefined,
      ]);
    },
    { kind: "GRPCRoute", parent: ", sectionName: http" },
  ),
];
