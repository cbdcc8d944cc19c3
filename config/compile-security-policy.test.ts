// What holds for a rule: its own blocks, and the route's where it leaves one out.
import { expect, test } from "vitest";
import { loadConfig } from "./load.ts";

function policies(route: object, rule: object | undefined) {
  const { snapshot, diagnostics } = loadConfig([
    {
      name: "isthmus.yaml",
      content: JSON.stringify({
        listeners: [{ name: "web", protocol: "HTTP", port: 80 }],
        backends: [{ name: "b", endpoints: [{ address: "10.0.0.1", port: 80 }] }],
        routes: [
          {
            name: "r",
            securityPolicy: route,
            rules: [{ backendRefs: [{ name: "b" }], ...(rule && { securityPolicy: rule }) }],
          },
        ],
      }),
    },
  ]);
  expect(diagnostics).toEqual([]);
  const compiled = snapshot!.routes[0]!;
  return { route: compiled.securityPolicy, rule: compiled.rules[0]!.securityPolicy };
}

const extAuth = { http: { url: "https://auth.example.com/" }, timeout: "2s" };
const compiledExtAuth = {
  http: { url: "https://auth.example.com/", forwardPath: false, headersToBackend: [] },
  headersToExtAuth: [],
  failOpen: false,
  timeoutMs: 2_000,
};

test("a rule without a policy has the route's", () => {
  expect(policies({ extAuth }, undefined)).toEqual({ route: { extAuth: compiledExtAuth }, rule: undefined });
});

test("a block replaces the route's of that name, what is left out stays", () => {
  const limits = (bodyBytes: number) => ({ requestLimits: { bodyBytes } });
  expect(policies({ extAuth, ...limits(1) }, limits(2)).rule).toEqual({
    extAuth: compiledExtAuth,
    ...limits(2),
  });
});

test("inherit: false leaves nothing of the route's", () => {
  expect(policies({ extAuth }, { inherit: false }).rule).toEqual({});
});

test("durations become milliseconds", () => {
  const provider = { name: "p", remoteJWKS: { uri: "https://i.example.com/jwks", cacheDuration: "1h" } };
  const { route } = policies({ jwt: { providers: [provider] } }, undefined);
  expect(route?.jwt?.providers[0]).toMatchObject({
    remoteJWKS: { uri: "https://i.example.com/jwks", cacheDurationMs: 3_600_000 },
    clockSkewMs: 60_000,
    requireExpiration: true,
  });
});
