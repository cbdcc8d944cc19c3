import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { proxiedConnectionField, proxiedConnectionText } from "#contract/proxied-connection.ts";
import type { SliceEndpoint } from "./config-slice.ts";
import { targetFor } from "./config-slice.ts";
import { createEndpointPools } from "./endpoint-pool.ts";

const endpoint = { id: "10.0.0.1:80", address: "10.0.0.1", port: 80, weight: 1 };
const target: SliceEndpoint = {
  key: "b|10.0.0.1:80",
  endpoint,
  protocol: "HTTP",
  tls: undefined,
  connectTimeoutMs: undefined,
  proxyProtocol: "V1",
  connectionKey: "way",
  slicedKey: "way",
  check: undefined,
  checkSubject: "",
};

test("connections are kept for the client that they begin with, as many as there may be", async () => {
  const pools = createEndpointPools(() => undefined);
  const plain = pools.http1({
    ...target,
    proxyProtocol: undefined,
    connectionKey: "plain",
    slicedKey: "plain",
  });
  const of = (port: number) => {
    const text = proxiedConnectionText(`192.0.2.1:${port}`, "10.0.0.9:80");
    return pools.http1(targetFor(target, [[proxiedConnectionField, text]]));
  };
  const first = of(1);
  const second = of(2);
  expect(second).not.toBe(first);
  expect(of(1)).toBe(first);
  for (let port = 3; port <= limits.agentClientPools; port += 1) of(port);
  // The one that was used longest ago makes way, and no other.
  expect([plain.pool.closed, first.pool.closed, second.pool.closed]).toEqual([false, false, true]);
  pools.retain(new Map());
  expect([plain.pool.closed, first.pool.closed]).toEqual([true, true]);
  await pools.close();
});
