// HTTPRoute, core support: matching, hosts and weights.
import { expect } from "vitest";
import type { ConformanceTest } from "./conformance-test.ts";
import { base, expectAll, http, open, to, v1, v2, v3 } from "./http-route-manifests.ts";
import { baseServices, countAnswers, gateway, get, getOverTls, route, secret, service } from "./world.ts";

export const httpRouteCore: readonly ConformanceTest[] = [
  {
    name: "HTTPRouteSimpleSameNamespace",
    support: "core",
    manifests: (world) =>
      base(world, route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`)),
    run: async ({ ports }) => expectAll(ports["http"]!, { "example.org /": v1, "x.test /a?b=c": v1 }),
  },
  {
    name: "HTTPRouteCrossNamespace",
    support: "core",
    manifests: (world) => {
      const other = { namespace: `${world.namespace}-apps` };
      return (
        gateway(world, open(world)) +
        service(other.namespace, "web-backend", [world.pods.ports.get("infra-backend-v2")!]) +
        route(
          other,
          "r",
          `parentRefs: [{ name: gw, namespace: ${world.namespace} }]\nrules: [{ backendRefs: [{ name: web-backend, port: 8080 }] }]`,
        )
      );
    },
    run: async ({ ports }) => expectAll(ports["http"]!, { "example.org /": v2 }),
  },
  {
    name: "HTTPRouteExactPathMatching",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { type: Exact, value: /one } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { type: Exact, value: /two } }], backendRefs: ${to(2)} }`,
        ),
      ),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "e.org /one": v1,
        "e.org /two": v2,
        "e.org /": "404",
        "e.org /one/example": "404",
        "e.org /two/": "404",
        "e.org /Two": "404",
      }),
  },
  {
    name: "HTTPRouteHeaderMatching",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ headers: [{ name: version, value: one }] }], backendRefs: ${to(1)} }
  - { matches: [{ headers: [{ name: version, value: two }] }], backendRefs: ${to(2)} }
  - { matches: [{ headers: [{ name: version, value: two }, { name: color, value: orange }] }], backendRefs: ${to(1)} }
  - { matches: [{ headers: [{ name: color, value: blue }] }, { headers: [{ name: color, value: green }] }], backendRefs: ${to(1)} }
  - { matches: [{ headers: [{ name: color, value: red }] }, { headers: [{ name: color, value: yellow }] }], backendRefs: ${to(2)} }`,
        ),
      ),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "e.org / version=one": v1,
        "e.org / version=two": v2,
        "e.org / version=two color=orange": v1,
        "e.org / color=blue": v1,
        "e.org / color=green": v1,
        "e.org / color=red": v2,
        "e.org / color=yellow": v2,
        "e.org / color=orange": "404",
        "e.org / some-other-header=one": "404",
      }),
  },
  {
    name: "HTTPRouteMatching",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { value: / } }, { headers: [{ name: version, value: one }] }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /v2 } }, { headers: [{ name: version, value: two }] }], backendRefs: ${to(2)} }`,
        ),
      ),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "e.org /": v1,
        "e.org /example": v1,
        "e.org / version=one": v1,
        "e.org /v2": v2,
        "e.org /v2/example": v2,
        "e.org / version=two": v2,
        "e.org /v2/": v2,
        "e.org /v2example": v1,
        "e.org /foo/v2/example": v1,
      }),
  },
  {
    name: "HTTPRouteMatchingAcrossRoutes",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "part1",
          `parentRefs: [{ name: gw }]
hostnames: [example.com, example.net]
rules: [{ matches: [{ path: { value: / } }, { headers: [{ name: version, value: one }] }], backendRefs: ${to(1)} }]`,
        ),
        route(
          world,
          "part2",
          `parentRefs: [{ name: gw }]
hostnames: [example.com]
rules: [{ matches: [{ path: { value: /v2 } }, { headers: [{ name: version, value: two }] }], backendRefs: ${to(2)} }]`,
        ),
      ),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "example.com /": v1,
        "example.com /example": v1,
        "example.net /example": v1,
        "example.com / version=one": v1,
        "example.com /v2": v2,
        "example.com / version=two": v2,
        "example.net / version=two": v1,
        "example.org /": "404",
        "www.example.com /": "404",
      }),
  },
  {
    name: "HTTPRoutePathMatchOrder",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - { matches: [{ path: { value: /match } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /match/prefix/one } }], backendRefs: ${to(2)} }
  - { matches: [{ path: { type: Exact, value: /match/exact } }], backendRefs: ${to(3)} }
  - { matches: [{ path: { value: /match/exact } }], backendRefs: ${to(2)} }`,
        ),
      ),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "e.org /match/exact": v3,
        "e.org /match/exact/one": v2,
        "e.org /match/prefix/one/any": v2,
        "e.org /match/prefix/two/any": v1,
        "e.org /match/any": v1,
      }),
  },
  {
    name: "HTTPRouteHostnameIntersection",
    support: "core",
    manifests: (world) =>
      gateway(
        world,
        ["very.specific.com", '"*.wildcard.io"', '"*.anotherwildcard.io"']
          .map(
            (host, at) =>
              `- { name: l${at}, port: ${world.ports["http"]}, protocol: HTTP, hostname: ${host} }`,
          )
          .join("\n"),
      ) +
      baseServices(world) +
      route(
        world,
        "specific",
        `parentRefs: [{ name: gw }]
hostnames: [non.matching.com, "*.nonmatchingwildcard.io", very.specific.com]
rules: [{ matches: [{ path: { value: /s1 } }], backendRefs: ${to(1)} }]`,
      ) +
      route(
        world,
        "wildcard",
        `parentRefs: [{ name: gw }]
hostnames: [non.matching.com, wildcard.io, foo.wildcard.io, bar.wildcard.io, foo.bar.wildcard.io]
rules: [{ matches: [{ path: { value: /s2 } }], backendRefs: ${to(2)} }]`,
      ) +
      route(
        world,
        "wide",
        `parentRefs: [{ name: gw }]
hostnames: [non.matching.com, "*.specific.com"]
rules: [{ matches: [{ path: { value: /s3 } }], backendRefs: ${to(3)} }]`,
      ) +
      route(
        world,
        "below",
        `parentRefs: [{ name: gw }]
hostnames: ["*.anotherwildcard.io"]
rules: [{ matches: [{ path: { value: /s4 } }], backendRefs: ${to(1)} }]`,
      ) +
      route(
        world,
        "none",
        `parentRefs: [{ name: gw }]
hostnames: [specific.but.wrong.com, wildcard.io]
rules: [{ matches: [{ path: { value: /s5 } }], backendRefs: ${to(1)} }]`,
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, {
        "very.specific.com /s1": v1,
        "very.specific.com:1234 /s1": v1,
        "non.matching.com /s1": "404",
        "foo.nonmatchingwildcard.io /s1": "404",
        "very.specific.com /non-matching-prefix": "404",
        "foo.wildcard.io /s2": v2,
        "foo.bar.wildcard.io /s2": v2,
        "wildcard.io /s2": "404",
        "other.wildcard.io /s2": "404",
        "very.specific.com /s3": v3,
        "non.matching.com /s3": "404",
        "foo.specific.com /s3": "404",
        "one.anotherwildcard.io /s4": v1,
        "one.two.three.anotherwildcard.io /s4": v1,
        "anotherwildcard.io /s4": "404",
        "specific.but.wrong.com /s5": "404",
      });
      expect(conditions("HTTPRoute", "none")).toContain("Accepted=False NoMatchingListenerHostname");
    },
  },
  {
    name: "HTTPRouteListenerHostnameMatching",
    support: "core",
    manifests: (world) =>
      gateway(
        world,
        ["bar.com", "foo.bar.com", '"*.bar.com"', '"*.foo.com"']
          .map(
            (host, at) =>
              `- { name: listener-${at + 1}, port: ${world.ports["http"]}, protocol: HTTP, hostname: ${host} }`,
          )
          .join("\n"),
      ) +
      baseServices(world) +
      [1, 2, 3]
        .map((at) =>
          route(
            world,
            `r${at}`,
            `parentRefs: [{ name: gw, sectionName: listener-${at} }${at === 3 ? ", { name: gw, sectionName: listener-4 }" : ""}]
rules: [{ backendRefs: ${to(at)} }]`,
          ),
        )
        .join(""),
    run: async ({ ports }) =>
      expectAll(ports["http"]!, {
        "bar.com /": v1,
        "foo.bar.com /": v2,
        "baz.bar.com /": v3,
        "boo.bar.com /": v3,
        "multiple.prefixes.bar.com /": v3,
        "multiple.prefixes.foo.com /": v3,
        "foo.com /": "404",
        "no.matching.host /": "404",
      }),
  },
  {
    name: "HTTPRouteHTTPSListener",
    support: "core",
    ports: ["https"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: https, port: ${world.ports["https"]}, protocol: HTTPS, tls: { certificateRefs: [{ name: site }] } }
- { name: second, port: ${world.ports["https"]}, protocol: HTTPS, hostname: second-example.org, tls: { certificateRefs: [{ name: site }] } }`,
      ) +
      secret(world.namespace, "site", world) +
      baseServices(world) +
      route(
        world,
        "r1",
        `parentRefs: [{ name: gw, sectionName: https }]
hostnames: [example.org]
rules: [{ backendRefs: ${to(1)} }]`,
      ) +
      route(
        world,
        "r2",
        `parentRefs: [{ name: gw, sectionName: second }]
rules: [{ backendRefs: ${to(2)} }]`,
      ),
    run: async ({ ports }) => {
      const port = ports["https"]!;
      expect(await getOverTls(port, "example.org", "example.org", "/")).toBe(v1);
      expect(await getOverTls(port, "second-example.org", "second-example.org", "/")).toBe(v2);
      expect(await getOverTls(port, "unknown-example.org", "unknown-example.org", "/")).toBe("404");
    },
  },
  {
    name: "HTTPRouteMultipleGateways",
    support: "core",
    ports: ["http", "other"],
    manifests: (world) =>
      gateway(world, http(world)) +
      gateway(world, `- { name: http, port: ${world.ports["other"]}, protocol: HTTP }`, "other") +
      baseServices(world) +
      route(
        world,
        "r",
        `parentRefs: [{ name: gw }, { name: other }]
rules: [{ backendRefs: ${to(1)} }]`,
      ),
    run: async ({ ports, conditions }) => {
      await expectAll(ports["http"]!, { "e.org /": v1 });
      await expectAll(ports["other"]!, { "e.org /": v1 });
      expect(conditions("HTTPRoute", "r").filter((one) => one === "Accepted=True Accepted")).toHaveLength(2);
    },
  },
  {
    name: "HTTPRouteWeight",
    support: "core",
    manifests: (world) =>
      base(
        world,
        route(
          world,
          "r",
          `parentRefs: [{ name: gw }]
rules:
  - backendRefs:
      - { name: infra-backend-v1, port: 8080, weight: 70 }
      - { name: infra-backend-v2, port: 8080, weight: 30 }
      - { name: infra-backend-v3, port: 8080, weight: 0 }`,
        ),
      ),
    run: async ({ ports }) => {
      const counts = await countAnswers(500, () => get(ports["http"]!, "e.org"));
      const share = (answer: string | undefined): number => (counts.get(answer!) ?? 0) / 500;
      expect(Math.abs(share(v1) - 0.7)).toBeLessThan(0.05);
      expect(Math.abs(share(v2) - 0.3)).toBeLessThan(0.05);
      expect(share(v3)).toBe(0);
    },
  },
];
