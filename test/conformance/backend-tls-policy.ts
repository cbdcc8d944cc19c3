// BackendTLSPolicy: endpoints that are verified, those that are not what they should be, and policies without effect.
import { expect } from "vitest";
import { accepted, type ConformanceTest, type Running } from "./conformance-test.ts";
import { grpcService, grpcTlsPod } from "./grpc-pods.ts";
import { call } from "./grpc-route.ts";
import { http } from "./http-route-manifests.ts";
import { greeting, tlsRoute, to } from "./tls-route.ts";
import { podUri } from "./tls-world.ts";
import { authorities, gateway, get, getOverTls, route, secret, service, type World } from "./world.ts";

interface PolicyOptions {
  readonly hostname?: string;
  /** The reference to authorities. */
  readonly ref?: string;
  readonly sectionName?: string;
  readonly subjectAltNames?: readonly object[];
  readonly generation?: number;
}

export function backendTlsPolicy(
  { namespace }: Pick<World, "namespace">,
  name: string,
  service: string,
  { hostname = "abc.example.com", ref, sectionName, subjectAltNames, generation = 1 }: PolicyOptions = {},
): string {
  const target = { group: "", kind: "Service", name: service, ...(sectionName && { sectionName }) };
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name}, namespace: ${namespace}, generation: ${generation} }
spec:
  targetRefs: [${JSON.stringify(target)}]
  validation:
    hostname: ${hostname}
    caCertificateRefs: [${ref ?? '{ group: "", kind: ConfigMap, name: ca }'}]
    subjectAltNames: ${JSON.stringify(subjectAltNames ?? [])}
`;
}

/** Two ports, behind which the same pod answers over TLS. */
export function httpsService({ namespace, tls }: World, name: string): string {
  const port = tls.ports["https-backend"];
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ports: [{ name: https-1, port: 443 }, { name: https-2, port: 8443 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: https-1, port: ${port} }, { name: https-2, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}

const conflicted = ["Accepted=False Conflicted", "ResolvedRefs=True ResolvedRefs"];
const abc = "200 abc.example.com";
const other = "200 other.example.com";
/** The same Services behind an HTTPS listener. */
const overHttps = {
  ports: ["http", "https"],
  manifests: (world: World): string =>
    gateway(
      world,
      `- { name: https, port: ${world.ports["https"]}, protocol: HTTPS, tls: { certificateRefs: [{ name: site }] } }`,
      "again",
    ) +
    secret(world.namespace, "site", world) +
    route(
      world,
      "again",
      "parentRefs: [{ name: again }]\nrules: [{ backendRefs: [{ name: valid, port: 443 }] }]",
    ),
  run: async ({ ports, conditionsOf }: Running): Promise<void> => {
    expect(conditionsOf("BackendTLSPolicy", "normative", "again")).toEqual(accepted);
    expect(await getOverTls(ports["https"]!, "https-listener.org", "https-listener.org", "/valid")).toBe(abc);
  },
};

interface Further {
  readonly ports?: readonly string[];
  readonly manifests?: (world: World) => string;
  readonly run?: (world: Running) => Promise<void>;
}

interface Target {
  /** Policies by name. */
  readonly policies: Readonly<Record<string, PolicyOptions>>;
  /** What a request gets, over the first port of the Service and over the second. */
  readonly answers: readonly [string, string?];
}

/** One path for each Service: `/<service>`, and `/<service>/2` for its second port. */
function policyTest(
  name: string,
  targets: Readonly<Record<string, Target>>,
  conditions: Readonly<Record<string, readonly string[]>>,
  { ports = ["http"], manifests: more = () => "", run = () => Promise.resolve() }: Further = {},
): ConformanceTest {
  const rule = (service: string, path: string, port: number): string =>
    `  - { matches: [{ path: { type: Exact, value: ${path} } }], backendRefs: [{ name: ${service}, port: ${port} }] }`;
  return {
    name,
    support: "core",
    ports,
    manifests: (world) =>
      gateway(world, http(world)) +
      authorities(world.namespace, "ca", world.tls.authority) +
      authorities(world.namespace, "stranger", world.tls.strangerAuthority) +
      Object.entries(targets)
        .map(
          ([service, { policies }]) =>
            httpsService(world, service) +
            Object.entries(policies)
              .map(([policy, options]) => backendTlsPolicy(world, policy, service, options))
              .join(""),
        )
        .join("") +
      route(
        world,
        "r",
        `parentRefs: [{ name: gw }]\nrules:\n${Object.keys(targets)
          .flatMap((service) => [rule(service, `/${service}`, 443), rule(service, `/${service}/2`, 8443)])
          .join("\n")}`,
      ) +
      more(world),
    run: async (world) => {
      const port = world.ports["http"]!;
      for (const [policy, expected] of Object.entries(conditions)) {
        expect(world.conditionsOf("BackendTLSPolicy", policy, "gw"), policy).toEqual(expected);
      }
      for (const [service, { answers }] of Object.entries(targets)) {
        for (const [index, expected] of answers.entries()) {
          const path = index === 0 ? `/${service}` : `/${service}/2`;
          expect(await get(port, "abc.example.com", path), path).toBe(expected);
        }
      }
      await run(world);
    },
  };
}

const sans = (...names: string[]): PolicyOptions => ({
  subjectAltNames: names.map((name) =>
    name.includes(":") ? { type: "URI", uri: name } : { type: "Hostname", hostname: name },
  ),
});

export const backendTlsPolicies: readonly ConformanceTest[] = [
  policyTest(
    "BackendTLSPolicy",
    {
      valid: { policies: { normative: {} }, answers: [abc] },
      "host-mismatch": { policies: { "wrong-host": { hostname: "nope.example.com" } }, answers: ["502"] },
      "cert-mismatch": {
        policies: { "wrong-ca": { ref: '{ group: "", kind: ConfigMap, name: stranger }' } },
        answers: ["502"],
      },
    },
    { normative: accepted, "wrong-host": accepted, "wrong-ca": accepted },
    overHttps,
  ),
  policyTest(
    "BackendTLSPolicyConflictResolution",
    {
      whole: {
        policies: { "whole-1": { hostname: "other.example.com" }, "whole-2": {} },
        answers: [other, other],
      },
      section: {
        policies: {
          "section-1": { sectionName: "https-1", hostname: "other.example.com" },
          "section-2": { sectionName: "https-1" },
        },
        answers: [other],
      },
      beside: {
        policies: {
          "of-port": { sectionName: "https-1", hostname: "other.example.com" },
          "of-service": {},
        },
        answers: [other, abc],
      },
    },
    {
      "whole-1": accepted,
      "whole-2": conflicted,
      "section-1": accepted,
      "section-2": conflicted,
      "of-port": accepted,
      "of-service": accepted,
    },
  ),
  policyTest(
    "BackendTLSPolicyInvalidCACertificateRef",
    {
      nonexistent: {
        policies: { nonexistent: { ref: '{ group: "", kind: ConfigMap, name: nobody }' } },
        answers: ["500"],
      },
      malformed: {
        policies: { malformed: { ref: '{ group: "", kind: ConfigMap, name: malformed }' } },
        answers: ["500"],
      },
    },
    Object.fromEntries(
      ["nonexistent", "malformed"].map((name) => [
        name,
        ["Accepted=False NoValidCACertificate", "ResolvedRefs=False InvalidCACertificateRef"],
      ]),
    ),
    { manifests: (world) => authorities(world.namespace, "malformed", "not a certificate") },
  ),
  policyTest(
    "BackendTLSPolicyInvalidKind",
    {
      kind: {
        policies: { "invalid-kind": { ref: "{ group: invalid.io, kind: InvalidKind, name: x }" } },
        answers: ["500"],
      },
    },
    { "invalid-kind": ["Accepted=False NoValidCACertificate", "ResolvedRefs=False InvalidKind"] },
  ),
  policyTest(
    "BackendTLSPolicySANValidation",
    {
      dns: { policies: { dns: sans("abc.example.com") }, answers: [abc] },
      "dns-mismatch": { policies: { "dns-mismatch": sans("dce.example.com") }, answers: ["502"] },
      uri: { policies: { uri: sans(podUri) }, answers: [abc] },
      "uri-mismatch": {
        policies: { "uri-mismatch": sans("spiffe://def.example.com/test-identity") },
        answers: ["502"],
      },
      several: { policies: { several: sans(podUri, "abc.example.com") }, answers: [abc] },
      "several-mismatch": {
        policies: { "several-mismatch": sans("spiffe://def.example.com/test-identity", "def.example.com") },
        answers: ["502"],
      },
    },
    { dns: accepted, "dns-mismatch": accepted, uri: accepted, several: accepted },
  ),
  {
    name: "BackendTLSPolicyGRPCRoute",
    support: "extended",
    manifests: (world) =>
      gateway(world, http(world)) +
      authorities(world.namespace, "ca", world.tls.authority) +
      grpcService(world.namespace, "grpc-tls", world.grpcPorts.get(grpcTlsPod)!) +
      backendTlsPolicy(world, "policy", "grpc-tls") +
      route(
        world,
        "r",
        "parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: grpc-tls, port: 8080 }] }]",
        "GRPCRoute",
      ),
    run: async ({ ports, conditionsOf }) => {
      expect(conditionsOf("BackendTLSPolicy", "policy", "gw")).toEqual(accepted);
      expect(await call(ports["http"]!)).toBe(grpcTlsPod);
    },
  },
  {
    name: "BackendTLSPolicyTLSRouteTerminate",
    support: "extended",
    ports: ["tls"],
    manifests: (world) =>
      gateway(
        world,
        `- { name: tls, port: ${world.ports["tls"]}, protocol: TLS, tls: { certificateRefs: [{ name: site }] } }`,
      ) +
      secret(world.namespace, "site", world) +
      authorities(world.namespace, "ca", world.tls.authority) +
      service(world.namespace, "pod", [world.tls.ports["tls-backend"]]) +
      backendTlsPolicy(world, "policy", "pod") +
      tlsRoute(world, "tls.example.com", to("pod")),
    run: async ({ ports, conditionsOf }) => {
      expect(conditionsOf("BackendTLSPolicy", "policy", "gw")).toEqual(accepted);
      expect(await greeting(ports["tls"]!, "tls.example.com")).toBe("tls-backend");
    },
  },
  {
    name: "BackendTLSPolicyObservedGenerationBump",
    support: "core",
    manifests: (world) =>
      gateway(world, http(world)) +
      authorities(world.namespace, "ca", world.tls.authority) +
      httpsService(world, "pod") +
      backendTlsPolicy(world, "policy", "pod", { generation: 5 }) +
      route(world, "r", "parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: pod, port: 443 }] }]"),
    run: ({ observedGenerations }) => {
      expect(observedGenerations("BackendTLSPolicy", "policy")).toEqual([5, 5]);
    },
  },
];
