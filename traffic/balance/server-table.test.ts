// Servers that HAProxy's hash-type picks: the expected ones are those of HAProxy 2.6 (see also test/haproxy-hash.test.ts).
import { expect, test } from "vitest";
import type { HashType } from "#contract/backend-policy.ts";
import { limits } from "#contract/limits.ts";
import { createBalancer } from "./balancer.ts";
import { seededRandom, testBackend } from "./balancer.fixture.ts";
import { compileHashKey } from "./hash-type.ts";

const weights = [20, 30, 10];

function balancerOf(hashType: HashType, all: readonly number[] = weights, hashBalanceFactor?: number) {
  const backend = testBackend("ConsistentHash", all);
  const consistentHash = { type: "URI", hashType, hashBalanceFactor } as const;
  const endpoints = backend.endpoints.map((endpoint, index) => ({
    ...endpoint,
    ...(index === 1 && { hashId: 7 }),
  }));
  return createBalancer(
    { ...backend, endpoints, loadBalancer: { type: "ConsistentHash", consistentHash } },
    seededRandom(1),
  );
}

const paths = Array.from({ length: 24 }, (_, index) => `/item/${index * 7_919}/x`);

test.each<[string, HashType]>([
  ["002012101101010101021110", { method: "MapBased", function: "SDBM", avalanche: false }],
  ["000210112210111211000211", { method: "MapBased", function: "DJB2", avalanche: true }],
  ["210100210011020001010210", { method: "Consistent", function: "SDBM", avalanche: true }],
  ["110001110111100121110112", { method: "Consistent", function: "WT6", avalanche: false }],
])("%s: %j", (expected, hashType) => {
  const balancer = balancerOf(hashType);
  const numberOf = compileHashKey({ type: "URI", hashType });
  const picked = paths.map((path) => balancer.pick({ nowMs: 0, hashKey: numberOf(path) }));
  expect(picked.join("")).toBe(expected);
});

test.each(["MapBased", "Consistent"] as const)("%s: a server that is tried or down gives way", (method) => {
  const balancer = balancerOf({ method, function: "SDBM", avalanche: true });
  for (let hashKey = 1; hashKey < 4e9; hashKey += 1e8 + 7) {
    const first = balancer.pick({ nowMs: 0, hashKey });
    const second = balancer.pick({ nowMs: 0, hashKey, exclude: [first] });
    expect(balancer.pick({ nowMs: 0, hashKey, exclude: [first, second] })).toBe(3 - first - second);
    expect(balancer.pick({ nowMs: 0, hashKey, exclude: [0, 1, 2] })).toBe(-1);
  }
  balancer.setHealthy(1, false, 0);
  for (let hashKey = 1; hashKey < 4e9; hashKey += 1e8 + 7) {
    expect(balancer.pick({ nowMs: 0, hashKey })).not.toBe(1);
  }
});

test("on a ring a full server passes requests on", () => {
  const balancer = balancerOf({ method: "Consistent", function: "SDBM", avalanche: true }, [1, 1, 1], 110);
  const picked = Array.from({ length: 30 }, () => {
    const index = balancer.pick({ nowMs: 0, hashKey: 12_345 });
    balancer.started(index);
    return index;
  });
  const shares = [0, 1, 2].map((server) => picked.filter((index) => index === server).length);
  expect(Math.max(...shares)).toBeLessThanOrEqual(12);
});

test.each(["MapBased", "Consistent"] as const)("%s: the table is bounded, and keeps the shares", (method) => {
  const balancer = balancerOf({ method, function: "SDBM", avalanche: true }, [65_521, 65_519, 0]);
  const counts = [0, 0, 0];
  for (let hash = 0; hash < limits.serverTableWeight; hash++) {
    counts[balancer.pick({ nowMs: 0, hashKey: (hash * 524_287) >>> 0 })]! += 1;
  }
  expect(counts[2]).toBe(0);
  expect(Math.abs(counts[0]! - counts[1]!)).toBeLessThan(limits.serverTableWeight / 10);
});

test("nobody is picked where nobody is", () => {
  const balancer = balancerOf({ method: "MapBased", function: "SDBM", avalanche: false }, [0, 0]);
  expect(balancer.pick({ nowMs: 0, hashKey: 1 })).toBe(-1);
});

test.each([
  ["SourceIP", "SDBM", "192.0.2.1", 0xc0000201],
  ["SourceIP", "SDBM", "2001:db8::1", 0x20010db9],
  ["Header", "None", "4294967297x", 1],
  ["Header", "None", "-1", 0xffff_ffff],
  ["Header", "None", "x", 0],
] as const)("%s %s of %s", (type, name, text, expected) => {
  const hashType = { method: "MapBased", function: name, avalanche: false } as const;
  expect(compileHashKey({ type, hashType })(text)).toBe(expected);
});
