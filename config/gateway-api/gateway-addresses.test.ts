// Gateways of one port: which of them have it at which addresses.
import { expect, test } from "vitest";
import { listenerPlaces } from "#contract/listener-place.ts";
import { loadConfig } from "../load.ts";

interface Written {
  readonly namespace?: string;
  readonly addresses?: readonly string[];
  readonly hostname?: string;
  readonly protocol?: string;
}

/** In the order of their age. */
function placesOf(...gateways: Written[]): string[] {
  const documents = gateways.flatMap(
    ({ namespace = "a", addresses = [], hostname, protocol = "HTTP" }, index) => [
      `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: g${index}, namespace: ${namespace}, creationTimestamp: "2026-01-0${index + 1}T00:00:00Z" }
spec:
  gatewayClassName: isthmus
  addresses: [${addresses.map((value) => `{ type: IPAddress, value: "${value}" }`).join(", ")}]
  listeners: [{ name: l, port: 80, protocol: ${protocol}${hostname === undefined ? "" : `, hostname: ${hostname}`} }]
`,
      protocol === "HTTP"
        ? `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: r${index}, namespace: ${namespace} }
spec:
  parentRefs: [{ name: g${index} }]
  rules: [{ filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplaceFullPath, replaceFullPath: /x } } }] }]
`
        : "",
    ],
  );
  const { snapshot } = loadConfig([{ name: "k.yaml", content: documents.filter(Boolean).join("---\n") }]);
  return listenerPlaces(snapshot!.listeners).map(
    ({ addresses, listeners }) =>
      `${addresses.join() || "*"}: ${listeners.map(({ name }) => name).join(" ")}`,
  );
}

test("different addresses are told apart, whoever owns the Gateways", () => {
  expect(
    placesOf(
      { addresses: ["10.0.0.1"] },
      { addresses: ["10.0.0.2"] },
      { namespace: "b", addresses: ["10.0.0.3"] },
    ),
  ).toEqual(["10.0.0.1: a/g0/l", "10.0.0.2: a/g1/l", "10.0.0.3: b/g2/l"]);
});

test("an address that is named has its hosts to itself, within a namespace", () => {
  expect(placesOf({}, { addresses: ["10.0.0.2"] })).toEqual(["*: a/g0/l", "10.0.0.2: a/g1/l"]);
  expect(placesOf({ hostname: "x.test" }, { addresses: ["10.0.0.2"], hostname: "y.test" })).toEqual([
    "*: a/g0/l",
    "10.0.0.2: a/g1/l a/g0/l",
  ]);
});

test("nobody takes another namespace's hosts away by naming an address", () => {
  expect(
    placesOf({ hostname: "x.test" }, { namespace: "b", addresses: ["10.0.0.2"], hostname: "x.test" }),
  ).toEqual(["*: a/g0/l"]);
  expect(placesOf({}, { namespace: "b", addresses: ["10.0.0.2"], hostname: "x.test" })).toEqual([
    "*: a/g0/l",
  ]);
  expect(placesOf({}, { namespace: "b", addresses: ["10.0.0.2"], protocol: "TCP" })).toEqual(["*: a/g0/l"]);
  expect(
    placesOf({ hostname: "x.test" }, { namespace: "b", addresses: ["10.0.0.2"], hostname: "y.test" }),
  ).toEqual(["*: a/g0/l", "10.0.0.2: b/g1/l a/g0/l"]);
});

test("Gateways with a part of their addresses in common are not one", () => {
  expect(placesOf({ addresses: ["10.0.0.1"] }, { addresses: ["10.0.0.1", "10.0.0.2"] })).toEqual([
    "10.0.0.1: a/g0/l",
  ]);
});
