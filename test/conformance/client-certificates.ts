// Certificates of clients (GEP-91): the suite's tests by name.
import { expect } from "vitest";
import { accepts } from "../system/tcp.ts";
import type { ConformanceTest, Running } from "./conformance-test.ts";
import { to, v1, v2 } from "./http-route-manifests.ts";
import type { KeyPairPem } from "./tls-world.ts";
import { authorities, baseServices, gateway, get, getOverTls, route, secret, type World } from "./world.ts";

const ref = (name: string, more = ""): string => `{ group: "", kind: ConfigMap, name: ${name}${more} }`;
const trusting = (refs: string, mode = ""): string =>
  `validation: { ${mode && `mode: ${mode}, `}caCertificateRefs: [${refs}] }`;
const https = (name: string, port: number | undefined, hostname = ""): string =>
  `- { name: ${name}, port: ${port}, protocol: HTTPS${hostname && `, hostname: ${hostname}`}, tls: { certificateRefs: [{ name: site }] } }`;

/** Two authorities, and a Gateway that asks clients for certificates. */
function manifests(world: World, frontend: string, listeners: string, routes: string): string {
  return (
    gateway(world, listeners).replace("  listeners:", `  tls: { frontend: { ${frontend} } }\n  listeners:`) +
    secret(world.namespace, "site", world) +
    authorities(world.namespace, "clients", world.tls.clientAuthority) +
    authorities(world.namespace, "strangers", world.tls.strangerAuthority) +
    baseServices(world) +
    routes
  );
}

/** Each port believes another authority. */
function perPort(name: string, mode: string, expected: (world: PerPort) => Promise<void>): ConformanceTest {
  return {
    name,
    support: "extended",
    ports: ["https", "other"],
    manifests: (world) => {
      const { https: first, other: second } = world.ports;
      const other = `perPort: [{ port: ${second}, tls: { ${trusting(ref("strangers"), mode)} } }]`;
      return manifests(
        world,
        `default: { ${trusting(ref("clients"), mode)} }, ${other}`,
        `${https("https", first)}\n${https("other", second, "second-example.org")}`,
        route(
          world,
          "one",
          `parentRefs: [{ name: gw }]\nhostnames: [example.org]\nrules: [{ backendRefs: ${to(1)} }]`,
        ) +
          route(
            world,
            "two",
            `parentRefs: [{ name: gw, sectionName: other }]\nrules: [{ backendRefs: ${to(2)} }]`,
          ),
      );
    },
    run: (world) => {
      const ask = (port: string, host: string) => (client?: KeyPairPem) =>
        getOverTls(world.ports[port]!, host, host, "/", client);
      return expected({
        ...world,
        first: ask("https", "example.org"),
        second: ask("other", "second-example.org"),
      });
    },
  };
}

interface PerPort extends Running {
  first(client?: KeyPairPem): Promise<string>;
  second(client?: KeyPairPem): Promise<string>;
}

const served = ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs", "Programmed=True Programmed"];
const unserved = (reason: string): string[] => [
  "Accepted=False NoValidCACertificate",
  `ResolvedRefs=False ${reason}`,
  "Programmed=False Invalid",
];

export const clientCertificates: readonly ConformanceTest[] = [
  perPort(
    "GatewayFrontendClientCertificateValidation",
    "AllowValidOnly",
    async ({ tls, first, second, field, conditions }) => {
      for (const name of ["one", "two"]) {
        expect(conditions("HTTPRoute", name)).toContain("ResolvedRefs=True ResolvedRefs");
      }
      expect(field("Gateway", "gw", "conditions")).toHaveLength(2);
      expect(await first(tls.client)).toBe(v1);
      await expect(first(tls.strangerClient)).rejects.toThrow();
      await expect(first()).rejects.toThrow();
      expect(await second(tls.strangerClient)).toBe(v2);
      await expect(second(tls.client)).rejects.toThrow();
      await expect(second()).rejects.toThrow();
    },
  ),
  perPort(
    "GatewayFrontendClientCertificateValidationInsecureFallback",
    "AllowInsecureFallback",
    async ({ tls, first, second, conditionsOf }) => {
      expect(conditionsOf("Gateway", "gw")).toContain(
        "InsecureFrontendValidationMode=True ConfigurationChanged",
      );
      for (const client of [tls.client, tls.strangerClient, undefined]) {
        expect(await first(client)).toBe(v1);
        expect(await second(client)).toBe(v2);
      }
    },
  ),
  {
    name: "GatewayInvalidFrontendClientCertificateValidation",
    support: "extended",
    ports: ["https", "unresolved", "kind", "grant"],
    manifests: (world) => {
      const { https: first, unresolved, kind, grant } = world.ports;
      const at = (port: number | undefined, refs: string): string =>
        `{ port: ${port}, tls: { ${trusting(refs)} } }`;
      return (
        manifests(
          world,
          `default: { ${trusting(ref("clients"))} }, perPort: [${[
            at(unresolved, ref("nobody")),
            at(kind, '{ group: "", kind: Service, name: infra-backend-v2 }'),
            at(grant, ref("clients", `, namespace: ${world.namespace}-web`)),
          ].join(", ")}]`,
          [
            https("https", first),
            https("unresolved", unresolved),
            https("kind", kind),
            https("grant", grant),
          ].join("\n"),
          route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`),
        ) + authorities(`${world.namespace}-web`, "clients", world.tls.clientAuthority)
      );
    },
    run: async ({ conditionsOf, ports, tls }) => {
      expect(conditionsOf("Gateway", "gw", "https").slice(0, 3)).toEqual(served);
      expect(await getOverTls(ports["https"]!, "e.org", "e.org", "/", tls.client)).toBe(v1);
      for (const [name, reason] of [
        ["unresolved", "InvalidCACertificateRef"],
        ["kind", "InvalidCACertificateKind"],
        ["grant", "RefNotPermitted"],
      ] as const) {
        expect(conditionsOf("Gateway", "gw", name).slice(0, 3), name).toEqual(unserved(reason));
        expect(await accepts(ports[name]!)).toBe(false);
      }
    },
  },
  {
    name: "GatewayFrontendInvalidDefaultClientCertificateValidation",
    support: "extended",
    ports: ["http", "https"],
    manifests: (world) =>
      manifests(
        world,
        `default: { ${trusting(ref("nobody"))} }`,
        `- { name: http, port: ${world.ports["http"]}, protocol: HTTP }\n${https("https", world.ports["https"])}`,
        route(world, "r", `parentRefs: [{ name: gw }]\nrules: [{ backendRefs: ${to(1)} }]`),
      ),
    run: async ({ conditionsOf, ports }) => {
      expect(conditionsOf("Gateway", "gw", "http").slice(0, 3)).toEqual(served);
      expect(await get(ports["http"]!, "example.org")).toBe(v1);
      expect(conditionsOf("Gateway", "gw", "https").slice(0, 3)).toEqual(unserved("InvalidCACertificateRef"));
      expect(await accepts(ports["https"]!)).toBe(false);
    },
  },
];
