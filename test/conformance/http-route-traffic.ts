// HTTPRoute, extended support: mirrors, time limits, retries, protocols, CORS, misdirected requests.
import { connect } from "node:http2";
import { expect } from "vitest";
import { WebSocket } from "ws";
import { ask } from "../system/http.ts";
import { eventually } from "../system/process.ts";
import type { ConformanceTest, Running } from "./conformance-test.ts";
import { grpcService } from "./grpc-pods.ts";
import { http, simple, to, v1, v2, v3 } from "./http-route-manifests.ts";
import { baseServices, countAnswers, gateway, get, getOverTls, route, secret, service } from "./world.ts";

const mirror = (service: string, more = ""): string =>
  `{ type: RequestMirror, requestMirror: { backendRef: { name: ${service}, port: 8080 }${more} } }`;

async function mirrored({ pods }: Running, service: string, target: string): Promise<void> {
  await eventually(`${service} sees ${target}`, () => Promise.resolve(pods.seen(service).includes(target)));
}

/** Over HTTP/2 from the first byte: the name of the pod. */
function getByPriorKnowledge(port: number): Promise<string> {
  return new Promise((done, fail) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.once("error", fail);
    const request = session.request({ ":path": "/", ":authority": "e.org" });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("error", fail);
    request.once("end", () => {
      session.close();
      done((JSON.parse(Buffer.concat(chunks).toString()) as { name: string }).name);
    });
    request.end();
  });
}

export const httpRouteTraffic: readonly ConformanceTest[] = [
  simple(
    "HTTPRouteRequestMirror",
    `  - { filters: [${mirror("infra-backend-v2")}], backendRefs: ${to(1)} }`,
    async (world) => {
      expect(await get(world.port, "e.org", "/mirror-one")).toBe(v1);
      await mirrored(world, "infra-backend-v2", "/mirror-one");
    },
  ),
  simple(
    "HTTPRouteRequestMultipleMirrors",
    `  - { filters: [${mirror("infra-backend-v2")}, ${mirror("infra-backend-v3")}], backendRefs: ${to(1)} }`,
    async (world) => {
      expect(await get(world.port, "e.org", "/mirror-many")).toBe(v1);
      await mirrored(world, "infra-backend-v2", "/mirror-many");
      await mirrored(world, "infra-backend-v3", "/mirror-many");
    },
  ),
  simple(
    "HTTPRouteRequestPercentageMirror",
    `  - { matches: [{ path: { value: /percent } }], filters: [${mirror("infra-backend-v2", ", percent: 20")}], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /none } }], filters: [${mirror("infra-backend-v3", ", percent: 0")}], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /half } }], filters: [${mirror("infra-backend-v3", ", fraction: { numerator: 50 }")}], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /last } }], filters: [${mirror("infra-backend-v2")}, ${mirror("infra-backend-v3")}], backendRefs: ${to(1)} }`,
    async (world) => {
      const ask = (path: string) => () => get(world.port, "e.org", path);
      for (const path of ["/percent", "/half"]) {
        expect([...(await countAnswers(500, ask(path)))]).toEqual([[v1, 500]]);
      }
      await countAnswers(50, ask("/none"));
      // Mirrors are sent in the order of their requests, so the last one ends the count.
      await get(world.port, "e.org", "/last");
      await mirrored(world, "infra-backend-v2", "/last");
      await mirrored(world, "infra-backend-v3", "/last");
      const shareOf = (service: string, target: string) =>
        world.pods.seen(service).filter((seen) => seen === target).length / 500;
      expect(Math.abs(shareOf("infra-backend-v2", "/percent") - 0.2)).toBeLessThan(0.05);
      expect(Math.abs(shareOf("infra-backend-v3", "/half") - 0.5)).toBeLessThan(0.05);
      expect(shareOf("infra-backend-v3", "/none")).toBe(0);
    },
  ),
  simple(
    "HTTPRouteTimeoutRequest",
    `  - { matches: [{ path: { value: /request-timeout } }], timeouts: { request: 500ms }, backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /disable } }], timeouts: { request: 0s }, backendRefs: ${to(1)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/request-timeout")).toBe(v1);
      expect(await get(port, "e.org", "/request-timeout?delay=5000")).toBe("504");
      expect(await get(port, "e.org", "/disable?delay=1000")).toBe(v1);
    },
  ),
  simple(
    "HTTPRouteTimeoutBackendRequest",
    `  - { matches: [{ path: { value: /backend-timeout } }], timeouts: { backendRequest: 500ms }, backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /disable } }], timeouts: { backendRequest: 0s }, backendRefs: ${to(1)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/backend-timeout")).toBe(v1);
      expect(await get(port, "e.org", "/backend-timeout?delay=5000")).toBe("504");
      expect(await get(port, "e.org", "/disable?delay=1000")).toBe(v1);
    },
  ),
  simple(
    "HTTPRouteRetry",
    `  - { retry: { codes: [500, 502, 503, 504], attempts: 3, backoff: 10ms }, backendRefs: ${to(1)} }`,
    async ({ port, pods }) => {
      // Within the budget of retries that a backend with little traffic has: ten a second.
      for (const status of [500, 502, 503, 504]) {
        expect(await get(port, "e.org", `/retry?fail=1&status=${status}&id=once-${status}`)).toBe(v1);
      }
      const always = "/retry?fail=9&status=503&id=always";
      expect(await get(port, "e.org", always)).toBe("503");
      expect(pods.seen("infra-backend-v1").filter((seen) => seen === always)).toHaveLength(4);
      expect(await get(port, "e.org", "/retry?fail=1&status=501&id=not-named")).toBe("501");
    },
  ),
  simple(
    "HTTPRouteRetryConnectionError",
    `  - { retry: { codes: [503], attempts: 3, backoff: 10ms }, backendRefs: [{ name: half-dead, port: 8080 }] }`,
    async ({ port }) => {
      for (let at = 0; at < 20; at += 1) expect(await get(port, "e.org", "/")).toBe(v1);
    },
    (world) =>
      service(world.namespace, "half-dead", [world.closedPort, world.pods.ports.get("infra-backend-v1")!]),
  ),
  simple(
    "HTTPRouteRetryWithTimeouts",
    `  - { retry: { codes: [500, 502, 503, 504], attempts: 2, backoff: 10ms }, timeouts: { request: 5s, backendRequest: 500ms }, backendRefs: ${to(1)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/slow?delay=3000&once=first")).toBe(v1);
      expect(await get(port, "e.org", "/slow?delay=3000")).toBe("504");
    },
  ),
  {
    name: "HTTPRouteBackendProtocolH2C",
    support: "extended",
    manifests: (world) =>
      gateway(world, http(world)) +
      grpcService(world.namespace, "h2c", world.tls.ports["h2c-backend"], "kubernetes.io/h2c") +
      route(world, "r", "parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: h2c, port: 8080 }] }]"),
    run: async ({ ports }) => {
      expect(await get(ports["http"]!, "e.org")).toBe("200 HTTP/2.0");
      // The suite's client speaks it, too, without having asked.
      expect(await getByPriorKnowledge(ports["http"]!)).toBe("HTTP/2.0");
    },
  },
  {
    name: "HTTPRouteBackendProtocolWebSocket",
    support: "extended",
    manifests: (world) =>
      gateway(world, http(world)) +
      service(world.namespace, "ws", [world.tls.ports["ws-backend"]], { appProtocol: "kubernetes.io/ws" }) +
      route(world, "r", "parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: ws, port: 8080 }] }]"),
    run: async ({ ports }) => {
      const client = new WebSocket(`ws://127.0.0.1:${ports["http"]}/ws`, { headers: { host: "e.org" } });
      try {
        const answer = await new Promise<string>((done, fail) => {
          client.once("error", fail);
          client.once("open", () => client.send("hello"));
          client.once("message", (message) => done(String(message)));
        });
        expect(answer).toBe("echo hello");
      } finally {
        client.terminate();
      }
    },
  },
  simple(
    "HTTPRouteNamedRule",
    `  - { name: named-rule, matches: [{ path: { value: /named } }], backendRefs: ${to(1)} }
  - { matches: [{ path: { value: /unnamed } }], backendRefs: ${to(2)} }`,
    async ({ port }) => {
      expect(await get(port, "e.org", "/named")).toBe(v1);
      expect(await get(port, "e.org", "/unnamed")).toBe(v2);
    },
  ),
  simple(
    "HTTPRouteCORS",
    `  - filters:
      - type: CORS
        cors:
          allowOrigins: [https://www.foo.com, https://*.bar.com]
          allowMethods: [GET, OPTIONS]
          allowHeaders: [x-header-1, x-header-2]
          exposeHeaders: [x-header-3]
          allowCredentials: true
          maxAge: 3600
    backendRefs: ${to(1)}`,
    async ({ port }) => {
      const preflight = (origin: string) =>
        ask({
          port,
          host: "e.org",
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "GET",
            "access-control-request-headers": "x-header-1, x-header-2",
          },
        });
      for (const origin of ["https://www.foo.com", "https://www.bar.com", "https://xpto.www.bar.com"]) {
        const { headers } = await preflight(origin);
        expect(headers["access-control-allow-origin"]).toBe(origin);
        expect(headers["access-control-allow-methods"]).toContain("GET");
        expect(String(headers["access-control-allow-headers"]).toLowerCase()).toContain("x-header-2");
        expect(headers["access-control-max-age"]).toBe("3600");
        expect(headers["access-control-allow-credentials"]).toBe("true");
      }
      expect((await preflight("https://foobar.com")).headers["access-control-allow-origin"]).toBeUndefined();
      const simpleRequest = await ask({ port, host: "e.org", headers: { origin: "https://www.foo.com" } });
      expect(simpleRequest.headers["access-control-allow-origin"]).toBe("https://www.foo.com");
      expect(simpleRequest.headers["access-control-expose-headers"]).toBe("x-header-3");
    },
  ),
  {
    name: "HTTPRouteHTTPSListenerDetectMisdirectedRequests",
    support: "extended",
    ports: ["https"],
    manifests: (world) => {
      const listener = (name: string, host: string): string =>
        `- { name: ${name}, port: ${world.ports["https"]}, protocol: HTTPS${host && `, hostname: "${host}"`}, tls: { certificateRefs: [{ name: site }] } }`;
      const of = (section: string, version: number, hosts = ""): string =>
        route(
          world,
          section,
          `parentRefs: [{ name: gw, sectionName: ${section} }]${hosts}\nrules: [{ backendRefs: ${to(version)} }]`,
        );
      return (
        gateway(
          world,
          [
            listener("any", ""),
            listener("second", "second-example.org"),
            listener("wildcard", "*.wildcard.org"),
            listener("fourth", "fourth-example.wildcard.org"),
          ].join("\n"),
        ) +
        secret(world.namespace, "site", world) +
        baseServices(world) +
        of("any", 1, "\nhostnames: [example.org]") +
        of("second", 2) +
        of("wildcard", 3) +
        of("fourth", 1)
      );
    },
    run: async ({ ports }) => {
      for (const [serverName, host, expected] of [
        ["example.org", "example.org", v1],
        ["example.org", "second-example.org", "421"],
        ["example.org", "unknown-example.org", "404"],
        ["second-example.org", "second-example.org", v2],
        ["second-example.org", "example.org", "421"],
        ["second-example.org", "unknown-example.org", "421"],
        ["third-example.wildcard.org", "third-example.wildcard.org", v3],
        ["third-example.wildcard.org", "fifth-example.wildcard.org", v3],
        ["third-example.wildcard.org", "fourth-example.wildcard.org", "421"],
        ["third-example.wildcard.org", "second-example.org", "421"],
        ["fourth-example.wildcard.org", "fourth-example.wildcard.org", v1],
        ["fourth-example.wildcard.org", "fifth-example.wildcard.org", "421"],
        ["unknown-example.org", "example.org", v1],
        ["unknown-example.org", "unknown-example.org", "404"],
      ] as const) {
        expect(await getOverTls(ports["https"]!, serverName, host, "/"), `${serverName} ${host}`).toBe(
          expected,
        );
      }
    },
  },
];
