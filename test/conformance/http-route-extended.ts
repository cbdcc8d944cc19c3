// HTTPRoute, extended support: further conditions, and filters that change requests and answers.
import { expect } from "vitest";
import { ask } from "../system/http.ts";
import type { ConformanceTest } from "./conformance-test.ts";
import { simple, to, v1, v2, v3 } from "./http-route-manifests.ts";
import { baseServices, countAnswers, echoOf, gateway, get, route } from "./world.ts";

function redirect(name: string, fields: string, expected: (port: number) => string): ConformanceTest {
  return simple(
    name,
    `  - filters: [{ type: RequestRedirect, requestRedirect: { ${fields} } }]`,
    async ({ port }) => {
      expect(await get(port, `e.org:${port}`, "/a?b=c")).toBe(expected(port));
    },
  );
}

export const httpRouteExtended: readonly ConformanceTest[] = [
  simple(
    "HTTPRouteMethodMatching",
    `  - { matches: [{ method: POST }], backendRefs: ${to(1)} }
  - { matches: [{ method: GET }], backendRefs: ${to(2)} }
  - { matches: [{ path: { value: /path1 }, method: GET }], backendRefs: ${to(1)} }
  - { matches: [{ headers: [{ name: version, value: four }], method: PUT }], backendRefs: ${to(3)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/", { method: "POST" })).toBe(v1);
      expect(await get(port, "e.org", "/")).toBe(v2);
      expect(await get(port, "e.org", "/path1")).toBe(v1);
      expect(await get(port, "e.org", "/", { method: "PUT", headers: { version: "four" } })).toBe(v3);
      expect(await get(port, "e.org", "/", { method: "PUT" })).toBe("404");
      expect(await get(port, "e.org", "/", { method: "HEAD" })).toBe("404");
    },
  ),
  simple(
    "HTTPRouteQueryParamMatching",
    `  - { matches: [{ queryParams: [{ name: animal, value: whale }] }], backendRefs: ${to(1)} }
  - { matches: [{ queryParams: [{ name: animal, value: dolphin }] }], backendRefs: ${to(2)} }
  - { matches: [{ queryParams: [{ name: animal, value: dolphin }, { name: color, value: blue }] }], backendRefs: ${to(3)} }
  - { matches: [{ path: { value: /path1 }, queryParams: [{ name: ANIMAL, value: Whale }] }], backendRefs: ${to(2)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/?animal=whale")).toBe(v1);
      expect(await get(port, "e.org", "/?animal=dolphin")).toBe(v2);
      expect(await get(port, "e.org", "/?animal=dolphin&color=blue")).toBe(v3);
      expect(await get(port, "e.org", "/path1?ANIMAL=Whale")).toBe(v2);
      expect(await get(port, "e.org", "/?ANIMAL=Whale")).toBe("404");
      expect(await get(port, "e.org", "/?animal=shark")).toBe("404");
    },
  ),
  {
    name: "HTTPRouteListenerPortMatching",
    support: "extended",
    ports: ["http", "other"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: one, port: ${world.ports["http"]}, protocol: HTTP, hostname: foo.com }
- { name: two, port: ${world.ports["http"]}, protocol: HTTP, hostname: bar.com }
- { name: three, port: ${world.ports["other"]}, protocol: HTTP, hostname: foo.com }`,
      ) +
      baseServices(world) +
      route(
        world,
        "r1",
        `parentRefs: [{ name: gw, port: ${world.ports["http"]} }]\nrules: [{ backendRefs: ${to(1)} }]`,
      ) +
      route(
        world,
        "r2",
        `parentRefs: [{ name: gw, port: ${world.ports["other"]} }]\nrules: [{ backendRefs: ${to(2)} }]`,
      ) +
      route(
        world,
        "r3",
        `parentRefs: [{ name: gw, port: 1 }]\nrules: [{ matches: [{ path: { value: /never } }], backendRefs: ${to(3)} }]`,
      ),
    run: async ({ ports, conditions }) => {
      expect(await get(ports["http"]!, "foo.com")).toBe(v1);
      expect(await get(ports["http"]!, "bar.com")).toBe(v1);
      expect(await get(ports["other"]!, "foo.com", "/never")).toBe(v2);
      expect(await get(ports["other"]!, "bar.com")).toBe("404");
      expect(conditions("HTTPRoute", "r3")).toContain("Accepted=False NoMatchingParent");
    },
  },
  simple(
    "HTTPRouteBackendRequestHeaderModifier",
    `  - backendRefs:
      - name: infra-backend-v1
        port: 8080
        filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-set, value: s }], remove: [x-remove] } }]`,
    async ({ port }) => {
      const { headers } = await echoOf(port, "e.org", "/", { headers: { "x-set": "old", "x-remove": "r" } });
      expect([headers["x-set"], headers["x-remove"]]).toEqual(["s", undefined]);
    },
  ),
  simple(
    "HTTPRouteRequestHeaderModifierBackendWeights",
    `  - backendRefs:
      - { name: infra-backend-v1, port: 8080, weight: 50, filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: backend, value: one }] } }] }
      - { name: infra-backend-v2, port: 8080, weight: 50, filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: backend, value: two }] } }] }`,
    async ({ port }) => {
      const counts = await countAnswers(500, async () => {
        const { name, headers } = await echoOf(port, "e.org", "/");
        return `${name} ${String(headers["backend"])}`;
      });
      expect([...counts.keys()].sort()).toEqual(["infra-backend-v1 one", "infra-backend-v2 two"]);
      expect(Math.abs(counts.get("infra-backend-v1 one")! / 500 - 0.5)).toBeLessThan(0.09);
    },
  ),
  simple(
    "HTTPRouteResponseHeaderModifier",
    `  - filters:
      - type: ResponseHeaderModifier
        responseHeaderModifier: { set: [{ name: X-Set, value: s }], add: [{ name: X-Served-By, value: gateway }], remove: [Content-Type] }
    backendRefs: ${to(1)}`,
    async ({ port }) => {
      const { headers } = await ask({ port, host: "e.org" });
      expect(headers["x-set"]).toBe("s");
      expect(headers["x-served-by"]).toBe("infra-backend-v1, gateway");
      expect(headers["content-type"]).toBeUndefined();
    },
  ),
  simple(
    "HTTPRouteRedirectPath",
    `  - { matches: [{ path: { value: /original-prefix } }], filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix } } }] }
  - { matches: [{ path: { value: /full } }], filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplaceFullPath, replaceFullPath: /full-path-replacement } } }] }
  - { matches: [{ path: { value: /path-and-host } }], filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org, path: { type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix } } }] }
  - { matches: [{ path: { value: /path-and-status } }], filters: [{ type: RequestRedirect, requestRedirect: { statusCode: 301, path: { type: ReplacePrefixMatch, replacePrefixMatch: /replacement-prefix } } }] }`,
    async ({ port }) => {
      const host = `e.org:${port}`;
      expect(await get(port, host, "/original-prefix/lemon")).toBe(
        `302 http://${host}/replacement-prefix/lemon`,
      );
      expect(await get(port, host, "/full/path/original")).toBe(`302 http://${host}/full-path-replacement`);
      expect(await get(port, host, "/path-and-host/lemon")).toBe(
        `302 http://example.org:${port}/replacement-prefix/lemon`,
      );
      expect(await get(port, host, "/path-and-status/lemon")).toBe(
        `301 http://${host}/replacement-prefix/lemon`,
      );
    },
  ),
  redirect("HTTPRouteRedirectPort", "port: 8083", () => "302 http://e.org:8083/a?b=c"),
  redirect("HTTPRouteRedirectScheme", "scheme: https", () => "302 https://e.org/a?b=c"),
  redirect(
    "HTTPRouteRedirectPortAndScheme",
    "scheme: https, port: 8443, hostname: example.org",
    () => "302 https://example.org:8443/a?b=c",
  ),
  redirect("HTTPRoute303Redirect", "statusCode: 303", (port) => `303 http://e.org:${port}/a?b=c`),
  redirect("HTTPRoute307Redirect", "statusCode: 307", (port) => `307 http://e.org:${port}/a?b=c`),
  redirect("HTTPRoute308Redirect", "statusCode: 308", (port) => `308 http://e.org:${port}/a?b=c`),
  simple(
    "HTTPRouteRewriteHost",
    `  - { matches: [{ path: { value: /one } }], filters: [{ type: URLRewrite, urlRewrite: { hostname: one.example.org } }], backendRefs: ${to(1)} }
  - filters:
      - { type: URLRewrite, urlRewrite: { hostname: test.example.org } }
      - { type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-set, value: s }] } }
    backendRefs: ${to(2)}`,
    async ({ port }) => {
      expect((await echoOf(port, "rewrite.example", "/one")).headers["host"]).toBe("one.example.org");
      const { headers } = await echoOf(port, "rewrite.example", "/two");
      expect([headers["host"], headers["x-set"]]).toEqual(["test.example.org", "s"]);
    },
  ),
  simple(
    "HTTPRouteRewritePath",
    `  - { matches: [{ path: { value: /prefix/one } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: /one } } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /strip-prefix } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplacePrefixMatch, replacePrefixMatch: / } } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /full/one } }], filters: [{ type: URLRewrite, urlRewrite: { path: { type: ReplaceFullPath, replaceFullPath: /one } } }], backendRefs: ${to(1)} }`,
    async ({ port }) => {
      for (const [sent, seen] of [
        ["/prefix/one/two", "/one/two"],
        ["/strip-prefix/three", "/three"],
        ["/strip-prefix", "/"],
        ["/full/one/two", "/one"],
      ]) {
        expect((await echoOf(port, "e.org", sent!)).url).toBe(seen);
      }
    },
  ),
  simple(
    "HTTPRouteBackendURLRewrite",
    `  - backendRefs:
      - { name: infra-backend-v1, port: 8080, filters: [{ type: URLRewrite, urlRewrite: { hostname: one.example.org, path: { type: ReplacePrefixMatch, replacePrefixMatch: /x } } }] }`,
    async ({ port }) => {
      const { url, headers } = await echoOf(port, "e.org", "/two");
      expect([url, headers["host"]]).toEqual(["/x/two", "one.example.org"]);
    },
  ),
  simple(
    "HTTPRouteBackendRequestRedirect",
    `  - backendRefs:
      - { name: infra-backend-v1, port: 8080, filters: [{ type: RequestRedirect, requestRedirect: { hostname: example.org, port: 80 } }] }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/a")).toBe("302 http://example.org/a");
    },
  ),
];
