import { expect, test } from "vitest";
import { coreKinds } from "./core-kinds.ts";
import { createNotes } from "./notes.ts";
import { readObjects } from "./read-objects.ts";
import { createResourceSet } from "./resource-set.ts";
import { createServices } from "./services.ts";

function servicesOf(content: string) {
  const { objects, diagnostics } = readObjects({ name: "f.yaml", content });
  expect(diagnostics).toEqual([]);
  const notes = createNotes();
  const services = createServices(createResourceSet(objects, coreKinds, notes));
  expect(notes.diagnostics()).toEqual([]);
  return services;
}

const orders = `apiVersion: v1
kind: Service
metadata: { name: orders, namespace: shop, annotations: { isthmus.dev/tunnel: production } }
spec:
  ports:
    - { name: http, port: 80, targetPort: 8080, appProtocol: kubernetes.io/h2c }
    - { name: admin, port: 9000 }
    - { name: dns, port: 53, protocol: UDP }
`;
const slice = (name: string, endpoints: string) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: orders } }
addressType: IPv4
ports: [{ name: http, port: 8080 }, { name: admin, port: 9001 }]
endpoints: ${endpoints}
`;

test("ready addresses of all slices, each once, by the port's name", () => {
  const services = servicesOf(
    orders +
      slice(
        "a",
        "[{ addresses: [10.0.0.1], zone: eu-1 }, { addresses: [10.0.0.2], conditions: { ready: false } }]",
      ) +
      slice(
        "b",
        "[{ addresses: [10.0.0.1], zone: eu-1 }, { addresses: [10.0.0.3], conditions: { ready: true } }]",
      ),
  );
  const expected = {
    port: 80,
    appProtocol: "kubernetes.io/h2c",
    tunnel: "production",
    endpoints: [
      { address: "10.0.0.1", port: 8080, zone: "eu-1" },
      { address: "10.0.0.3", port: 8080 },
    ],
  };
  expect(services.find("shop", "orders", 80)).toMatchObject(expected);
  expect(services.find("shop", "orders", "http")).toMatchObject(expected);
  expect(services.find("shop", "orders", "admin")).toMatchObject({
    port: 9000,
    endpoints: [
      { address: "10.0.0.1", port: 9001, zone: "eu-1" },
      { address: "10.0.0.3", port: 9001 },
    ],
  });
});

test("no slices: the name in the cluster's DNS; an external name is itself", () => {
  const services = servicesOf(`${orders}---
apiVersion: v1
kind: Service
metadata: { name: far, namespace: shop }
spec: { type: ExternalName, externalName: api.example.com }
`);
  expect(services.find("shop", "orders", 80)).toMatchObject({
    endpoints: [{ address: "orders.shop.svc.cluster.local", port: 80 }],
  });
  expect(services.find("shop", "far", 443)).toMatchObject({
    endpoints: [{ address: "api.example.com", port: 443 }],
  });
});

test("what is not there", () => {
  const services = servicesOf(orders);
  expect(services.find("shop", "order", 80)).toBe("service-unknown");
  expect(services.find("default", "orders", 80)).toBe("service-unknown");
  expect(services.find("shop", "orders", 8080)).toBe("port-unknown");
  expect(services.find("shop", "orders", "dns")).toBe("port-unknown");
  expect(services.find("shop", "orders", undefined)).toBe("port-ambiguous");
});

test("files without any Service say nothing about which there are", () => {
  const services = servicesOf("apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n");
  expect(services.find("shop", "orders", 80)).toMatchObject({
    endpoints: [{ address: "orders.shop.svc.cluster.local", port: 80 }],
  });
  expect(services.find("shop", "orders", "http")).toBe("port-unknown");
});

const pod = (name: string, version: string, address: string) => `---
apiVersion: v1
kind: Pod
metadata: { name: ${name}, namespace: shop, labels: { app: orders, version: ${version} } }
status: { podIP: ${address} }
`;

test("only Pods with some labels", () => {
  const pods = pod("one", "v1", "10.0.0.1") + pod("two", "v2", "10.0.0.2");
  const sliced = slice(
    "a",
    "[{ addresses: [10.0.0.1], targetRef: { kind: Pod, name: one } }, { addresses: [10.0.0.2], targetRef: { kind: Pod, name: two } }, { addresses: [10.0.0.3] }]",
  );
  const v2 = { endpoints: [{ address: "10.0.0.2", port: 8080 }] };
  expect(servicesOf(orders + sliced + pods).find("shop", "orders", 80, { version: "v2" })).toMatchObject(v2);
  // Without slices, by the Service's own selector.
  const selecting = orders.replace("spec:", "spec:\n  selector: { app: orders }");
  expect(servicesOf(selecting + pods).find("shop", "orders", 80, { version: "v2" })).toMatchObject(v2);
  expect(servicesOf(selecting).find("shop", "orders", 80, { version: "v2" })).toMatchObject({
    endpoints: [],
  });
});
