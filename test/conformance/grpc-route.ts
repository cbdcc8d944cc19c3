// GRPCRoute: the suite's tests by name, with real gRPC clients and pods, through an agent.
import { expect } from "vitest";
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import type { ConformanceTest } from "./conformance-test.ts";
import { grpcPods, grpcService } from "./grpc-pods.ts";
import { countAnswers, gateway, route, type World } from "./world.ts";

export const toGrpc = (version: number, more = ""): string =>
  `[{ name: grpc-infra-backend-v${version}, port: 8080${more} }]`;
const http = ({ ports }: World, more = ""): string =>
  `- { name: http, port: ${ports["http"]}, protocol: HTTP${more} }`;
export const grpcServices = (world: World): string =>
  grpcPods.map((name) => grpcService(world.namespace, name, world.grpcPorts.get(name)!)).join("");

function simple(
  name: string,
  rules: string,
  run: (port: number) => Promise<void>,
  support: "core" | "extended" = "core",
): ConformanceTest {
  return {
    name,
    support,
    manifests: (world) =>
      gateway(world, http(world)) +
      grpcServices(world) +
      route(world, "r", `parentRefs: [{ name: gw }]\nrules:\n${rules}`, "GRPCRoute"),
    run: ({ ports }) => run(ports["http"]!),
  };
}

interface CallOptions {
  readonly path?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly authority?: string;
}

/** Who answered, or the status of the error. */
export async function call(port: number, options: CallOptions = {}): Promise<string> {
  const { backend, code } = await callWith(port, options);
  return backend ?? String(status[code]);
}

export function callWith(
  port: number,
  { path = "/conformance.Echo/Echo", metadata = {}, authority = "e.org" }: CallOptions,
): Promise<{ backend?: string; seen: Record<string, string>; code: number }> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.default_authority": authority,
  });
  const fields = new Metadata();
  for (const [name, value] of Object.entries(metadata)) fields.set(name, value);
  return new Promise((done) => {
    const asIs = (bytes: Buffer): Buffer => bytes;
    client.makeUnaryRequest(
      path,
      asIs,
      asIs,
      Buffer.from(""),
      fields,
      (error: ServiceError | null, answer?: Buffer) => {
        client.close();
        if (error) return done({ seen: {}, code: error.code });
        const { name, metadata: seen } = JSON.parse(answer!.toString()) as {
          name: string;
          metadata: Record<string, string>;
        };
        done({ backend: name, seen, code: 0 });
      },
    );
  });
}

const [v1, v2, v3] = [1, 2, 3].map((version) => `grpc-infra-backend-v${version}`);

export const grpcRoute: readonly ConformanceTest[] = [
  simple(
    "GRPCExactMethodMatching",
    `  - { matches: [{ method: { service: conformance.Echo, method: Echo } }], backendRefs: ${toGrpc(1)} }
  - { matches: [{ method: { service: conformance.Echo, method: EchoTwo } }], backendRefs: ${toGrpc(2)} }`,
    async (port) => {
      expect(await call(port)).toBe(v1);
      expect(await call(port, { path: "/conformance.Echo/EchoTwo" })).toBe(v2);
      expect(await call(port, { path: "/conformance.Echo/EchoThree" })).toBe("UNIMPLEMENTED");
    },
  ),
  simple(
    "GRPCRouteHeaderMatching",
    `  - { matches: [{ headers: [{ name: version, value: one }] }], backendRefs: ${toGrpc(1)} }
  - { matches: [{ headers: [{ name: version, value: two }] }], backendRefs: ${toGrpc(2)} }
  - { matches: [{ headers: [{ name: version, value: two }, { name: color, value: orange }] }], backendRefs: ${toGrpc(1)} }
  - { matches: [{ headers: [{ name: color, value: blue }] }, { headers: [{ name: color, value: green }] }], backendRefs: ${toGrpc(1)} }`,
    async (port) => {
      expect(await call(port, { metadata: { version: "one" } })).toBe(v1);
      expect(await call(port, { metadata: { version: "two" } })).toBe(v2);
      expect(await call(port, { metadata: { version: "two", color: "orange" } })).toBe(v1);
      expect(await call(port, { metadata: { color: "green" } })).toBe(v1);
      expect(await call(port, { metadata: { color: "purple" } })).toBe("UNIMPLEMENTED");
    },
  ),
  {
    name: "GRPCRouteListenerHostnameMatching",
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
      grpcServices(world) +
      [1, 2, 3]
        .map((at) =>
          route(
            world,
            `r${at}`,
            `parentRefs: [{ name: gw, sectionName: listener-${at} }${at === 3 ? ", { name: gw, sectionName: listener-4 }" : ""}]
rules: [{ backendRefs: ${toGrpc(at)} }]`,
            "GRPCRoute",
          ),
        )
        .join(""),
    run: async ({ ports }) => {
      for (const [authority, expected] of [
        ["bar.com", v1],
        ["foo.bar.com", v2],
        ["baz.bar.com", v3],
        ["multiple.prefixes.foo.com", v3],
        ["foo.com", "UNIMPLEMENTED"],
        ["no.matching.host", "UNIMPLEMENTED"],
      ] as const) {
        expect(await call(ports["http"]!, { authority }), authority).toBe(expected);
      }
    },
  },
  simple(
    "GRPCRouteWeight",
    `  - backendRefs:
      - { name: grpc-infra-backend-v1, port: 8080, weight: 70 }
      - { name: grpc-infra-backend-v2, port: 8080, weight: 30 }
      - { name: grpc-infra-backend-v3, port: 8080, weight: 0 }`,
    async (port) => {
      const counts = await countAnswers(500, () => call(port));
      expect(Math.abs((counts.get(v1!) ?? 0) / 500 - 0.7)).toBeLessThan(0.05);
      expect(Math.abs((counts.get(v2!) ?? 0) / 500 - 0.3)).toBeLessThan(0.05);
      expect(counts.size).toBe(2);
    },
  ),
  simple(
    "GRPCRouteNamedRule",
    `  - { name: named-rule, matches: [{ method: { service: conformance.Echo, method: Echo } }], backendRefs: ${toGrpc(1)} }
  - { matches: [{ method: { method: EchoTwo } }], backendRefs: ${toGrpc(2)} }`,
    async (port) => {
      expect(await call(port)).toBe(v1);
      expect(await call(port, { path: "/conformance.Echo/EchoTwo" })).toBe(v2);
    },
    "extended",
  ),
  simple(
    "GRPCRouteRequestHeaderModifier",
    `  - filters:
      - type: RequestHeaderModifier
        requestHeaderModifier: { set: [{ name: x-set, value: s }], add: [{ name: x-add, value: a }], remove: [x-remove] }
    backendRefs: ${toGrpc(1)}`,
    async (port) => {
      const { seen } = await callWith(port, { metadata: { "x-set": "old", "x-remove": "r", kept: "k" } });
      expect(seen).toMatchObject({ "x-set": "s", "x-add": "a", kept: "k" });
      expect(seen["x-remove"]).toBeUndefined();
    },
    "extended",
  ),
];
