// Gateway: certificates of listeners, and what is shown to endpoints.
import { expect } from "vitest";
import { accepts } from "../system/tcp.ts";
import { backendTlsPolicy, httpsService } from "./backend-tls-policy.ts";
import type { ConformanceTest } from "./conformance-test.ts";
import { http, to, v1 } from "./http-route-manifests.ts";
import { authorities, baseServices, gateway, get, getOverTls, route, secret, type World } from "./world.ts";

const httpsListener = (world: World, ref: string, port = "https"): string =>
  `- { name: https, port: ${world.ports[port]}, protocol: HTTPS, tls: { certificateRefs: [${ref}] } }`;

/** Certificates of another namespace, and what its grants say. */
function granted(
  name: string,
  grants: (world: World) => readonly string[],
  isPermitted: boolean,
): ConformanceTest {
  return {
    name,
    support: "core",
    ports: ["https"],
    manifests: (world) =>
      gateway(world, httpsListener(world, `{ name: certificate, namespace: ${world.namespace}-web }`)) +
      secret(`${world.namespace}-web`, "certificate", world) +
      grants(world)
        .map(
          (grant, index) => `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: g${index}, namespace: ${world.namespace}-web }
spec: ${grant}
`,
        )
        .join("") +
      baseServices(world) +
      route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`),
    run: async ({ ports, conditionsOf }) => {
      const conditions = conditionsOf("Gateway", "gw", "https");
      if (isPermitted) {
        expect(conditions).toContain("ResolvedRefs=True ResolvedRefs");
        expect(conditions).toContain("Programmed=True Programmed");
        expect(await getOverTls(ports["https"]!, "e.org", "e.org", "/")).toBe(v1);
        return;
      }
      expect(conditions).toContain("ResolvedRefs=False RefNotPermitted");
      expect(conditions).toContain("Programmed=False Invalid");
      expect(await accepts(ports["https"]!)).toBe(false);
    },
  };
}

const fromGateways = ({ namespace }: World): string =>
  `from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: ${namespace} }]`;

const certificateRefs = {
  nonexistent: "{ name: nonexistent-certificate }",
  group: "{ group: wrong.group.company.io, kind: Secret, name: site }",
  kind: "{ kind: WrongKind, name: site }",
  malformed: "{ name: malformed }",
} as const;

const malformed = ({ namespace }: World): string => `---
apiVersion: v1
kind: Secret
metadata: { name: malformed, namespace: ${namespace} }
type: kubernetes.io/tls
data: { tls.crt: SGVsbG8gd29ybGQK, tls.key: SGVsbG8gd29ybGQK }
`;

export const gatewayTls: readonly ConformanceTest[] = [
  granted("GatewaySecretMissingReferenceGrant", () => [], false),
  granted(
    "GatewaySecretInvalidReferenceGrant",
    (world) => [
      `{ from: [{ group: not-the-group, kind: Gateway, namespace: ${world.namespace} }], to: [{ group: "", kind: Secret, name: certificate }] }`,
      `{ from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: ${world.namespace} }], to: [{ group: "", kind: Secret, name: certificate }] }`,
      `{ from: [{ group: gateway.networking.k8s.io, kind: Gateway, namespace: elsewhere }], to: [{ group: "", kind: Secret, name: certificate }] }`,
      `{ ${fromGateways(world)}, to: [{ group: not-the-group, kind: Secret, name: certificate }] }`,
      `{ ${fromGateways(world)}, to: [{ group: "", kind: Service, name: certificate }] }`,
      `{ ${fromGateways(world)}, to: [{ group: "", kind: Secret, name: another }] }`,
    ],
    false,
  ),
  granted(
    "GatewaySecretReferenceGrantAllInNamespace",
    (world) => [`{ ${fromGateways(world)}, to: [{ group: "", kind: Secret }] }`],
    true,
  ),
  granted(
    "GatewaySecretReferenceGrantSpecific",
    (world) => [`{ ${fromGateways(world)}, to: [{ group: "", kind: Secret, name: certificate }] }`],
    true,
  ),
  {
    name: "GatewayInvalidTLSConfiguration",
    support: "core",
    ports: Object.keys(certificateRefs),
    manifests: (world) =>
      Object.entries(certificateRefs)
        .map(([name, ref]) => gateway(world, httpsListener(world, ref, name), name))
        .join("") +
      secret(world.namespace, "site", world) +
      malformed(world),
    run: async ({ ports, conditionsOf }) => {
      for (const name of Object.keys(certificateRefs)) {
        expect(conditionsOf("Gateway", name, "https"), name).toContain(
          "ResolvedRefs=False InvalidCertificateRef",
        );
        expect(await accepts(ports[name]!)).toBe(false);
      }
    },
  },
  {
    name: "GatewayInvalidTLSBackendConfiguration",
    support: "extended",
    ports: [...Object.keys(certificateRefs), "grant"],
    manifests: (world) =>
      Object.entries({
        ...certificateRefs,
        grant: `{ name: site, namespace: ${world.namespace}-web }`,
      })
        .map(([name, ref]) =>
          gateway(world, `- { name: http, port: ${world.ports[name]}, protocol: HTTP }`, name).replace(
            "  listeners:",
            `  tls: { backend: { clientCertificateRef: ${ref} } }\n  listeners:`,
          ),
        )
        .join("") +
      secret(world.namespace, "site", world) +
      secret(`${world.namespace}-web`, "site", world) +
      malformed(world),
    run: ({ conditionsOf }) => {
      for (const name of [...Object.keys(certificateRefs), "grant"]) {
        const reason = name === "grant" ? "RefNotPermitted" : "InvalidClientCertificateRef";
        expect(conditionsOf("Gateway", name), name).toContain(`ResolvedRefs=False ${reason}`);
        expect(conditionsOf("Gateway", name), name).toContain("Accepted=True Accepted");
      }
    },
  },
  {
    name: "GatewayTLSBackendClientCertificate",
    support: "extended",
    manifests: (world) =>
      gateway(world, http(world)).replace(
        "  listeners:",
        "  tls: { backend: { clientCertificateRef: { name: client } } }\n  listeners:",
      ) +
      secret(world.namespace, "client", { certificate: world.tls.client }) +
      authorities(world.namespace, "ca", world.tls.authority) +
      httpsService(world, "pod") +
      backendTlsPolicy(world, "policy", "pod") +
      route(world, "r", "parentRefs: [{ name: gw }]\nrules: [{ backendRefs: [{ name: pod, port: 443 }] }]"),
    run: async ({ ports, conditionsOf, conditions }) => {
      expect(conditionsOf("Gateway", "gw")).toContain("ResolvedRefs=True ResolvedRefs");
      expect(conditions("BackendTLSPolicy", "policy")).toContain("Accepted=True Accepted");
      expect(await get(ports["http"]!, "abc.example.com")).toBe(
        "200 abc.example.com URI:spiffe://example.com/ns/edge/sa/gateway",
      );
    },
  },
];
