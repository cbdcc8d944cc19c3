import { expect, test } from "vitest";
import { loadConfig } from "#config/load.ts";
import { endpointKey } from "#contract/snapshot.ts";
import type { RunTime } from "./explain-backends.ts";
import { explainRequest } from "./explain-request.ts";

const { snapshot } = loadConfig([
  {
    name: "f",
    content: `
listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends:
  - name: pair
    endpoints: [{ address: 10.0.0.1, port: 80 }, { address: 10.0.0.2, port: 80 }]
  - { name: other, endpoints: [{ address: 10.0.0.3, port: 80 }] }
routes:
  - name: r
    rules:
      - matches: [{ and: [{ texts: [{ parts: [{ from: EndpointsUp, name: pair }], type: InRange, range: { min: 2 } }] }] }]
        backendRefs: [{ name: pair }]
      - backendRefs: [{ name: other }]
`,
  },
]);
const request = {
  method: "GET",
  url: new URL("http://a.test/"),
  target: "/",
  headers: new Map<string, string>(),
  peerAddress: "192.0.2.1",
};
const ruleOf = (runTime?: RunTime): string | undefined => explainRequest(snapshot!, request, runTime).rule;

test("a condition on endpoints that are up holds as they stand", () => {
  const key = endpointKey("pair", snapshot!.backends.find(({ name }) => name === "pair")!.endpoints[0]!.id);
  expect(ruleOf()).toBe("r/0");
  expect(ruleOf({ unhealthy: new Set([key]) })).toBe("r/1");
  const administration = { version: 1, endpoints: { [key]: { state: "maintenance" as const } } };
  expect(ruleOf({ administration })).toBe("r/1");
});
