// ConfigMaps `tcp-services` and `udp-services`, as the documentation of ingress-nginx and its chart have them.
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const configMap = (name: string, data: Record<string, string>, namespace = "ingress-nginx") => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace },
  data,
});

function load(...objects: object[]) {
  const content = objects.map((one) => JSON.stringify(one)).join("\n---\n");
  const { model, diagnostics } = loadConfig([{ name: "a.yaml", content }]);
  return { model, messages: diagnostics.map(({ severity, message }) => `${severity}: ${message}`) };
}

describe("tcp-services", () => {
  test("a port whose connections a Service gets; PROXY headers are read, and written", () => {
    const { model, messages } = load(
      configMap("ingress-nginx-controller", {
        "proxy-real-ip-cidr": "10.0.0.0/8",
        "bind-address": "10.1.2.3",
      }),
      configMap("tcp-services", { "9000": "shop/db:5432", "9001": "shop/db:5432:PROXY:PROXY" }),
    );
    expect(messages).toEqual([]);
    expect(model!.listeners).toMatchObject([
      { name: "ingress/tcp/9000", protocol: "TCP", port: 9000, addresses: ["10.1.2.3"] },
      { name: "ingress/tcp/9001", port: 9001, proxyProtocol: { trustedCIDRs: ["10.0.0.0/8"] } },
    ]);
    expect(model!.backends).toMatchObject([
      { protocol: "TCP", endpoints: [{ address: "db.shop.svc.cluster.local", port: 5432 }] },
      { protocol: "TCP", proxyProtocol: { version: "V1" } },
    ]);
  });

  test("of one port the oldest ConfigMap has the say, under the chart's name, too", () => {
    const { model } = load(
      configMap("tcp-services", { "9000": "shop/late:1" }),
      configMap("ingress-nginx-tcp", { "9000": "shop/first:1" }),
    );
    expect(model!.backends.map(({ name }) => name)).toEqual(["ingress/shop/first/1/tcp"]);
  });

  test.each([
    [{ "443": "shop/db:1" }, "error: port 443 has the requests of Ingresses"],
    [{ db: "shop/db:1" }, 'error: expected the number of a port; found "db"'],
    [{ "70000": "shop/db:1" }, 'error: expected the number of a port; found "70000"'],
    [{ "9000": "db:1" }, 'error: expected NAMESPACE/SERVICE:PORT, and perhaps :PROXY; found "db:1"'],
  ])("%j", (data, message) => {
    expect(load(configMap("tcp-services", data as Record<string, string>)).messages).toContain(message);
  });

  test("a tenant's ConfigMap opens no port", () => {
    const { model, messages } = load(configMap("tcp-services", { "9000": "shop/db:1" }, "shop"));
    expect(model!.listeners).toEqual([]);
    expect(messages[0]).toContain('"shop/tcp-services" has a name of ingress-nginx\'s own ConfigMaps');
  });

  test("a Service that is not there has no connections", () => {
    const { messages } = load(configMap("tcp-services", { "9000": "shop/db:1" }), {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: { ports: [] },
    });
    expect(messages).toContain('warning: there is no Service "shop/db" with port 1: connections are closed');
  });
});

test("UDP is not served, and said so", () => {
  expect(load(configMap("udp-services", { "53": "kube-system/kube-dns:53" })).messages).toContain(
    "error: UDP is not served, so nobody listens at port 53",
  );
});
