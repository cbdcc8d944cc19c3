// Policies from the native configuration to the snapshot: units, defaults, the two spellings of a retry.
import { expect, test } from "vitest";
import type { Diagnostic } from "#contract/diagnostic.ts";
import type { SnapshotBackend, SnapshotRule } from "#contract/snapshot.ts";
import { loadConfig } from "./load.ts";

interface Loaded {
  readonly rule: SnapshotRule | undefined;
  readonly backend: SnapshotBackend | undefined;
  readonly problems: string[];
}

function load(rule: string, backend: string): Loaded {
  const content = `
listeners: [{ name: web, protocol: HTTP, port: 80 }]
routes: [{ name: r, rules: [{ backendRefs: [{ name: b }], ${rule} }] }]
backends: [{ name: b, endpoints: [{ address: 10.0.0.1, port: 80, zone: a, priority: 1 }], ${backend} }]
`;
  const { snapshot, diagnostics } = loadConfig([{ name: "f", content }]);
  return {
    rule: snapshot?.routes[0]?.rules[0],
    backend: snapshot?.backends[0],
    problems: diagnostics.map(({ message }: Diagnostic) => message),
  };
}

test("policies that are not configured are not in the snapshot", () => {
  const { rule, backend } = load("", "");
  expect(Object.keys(rule ?? {})).toEqual(["id", "matches", "filters", "backendRefs", "timeouts"]);
  expect(backend?.healthCheck).toEqual({});
  expect(backend?.endpoints[0]).toMatchObject({ zone: "a", priority: 1 });
});

test("the Gateway API's retry", () => {
  const { rule } = load("retry: { attempts: 4, codes: [500, 502], backoff: 100ms }", "");
  expect(rule?.retry).toEqual({
    numRetries: 4,
    retryOn: {
      triggers: ["connect-failure", "refused-stream", "reset", "retriable-status-codes"],
      httpStatusCodes: [500, 502],
    },
    perRetry: { backOff: { baseIntervalMs: 100 } },
  });
});

test("Envoy Gateway's retry, with its defaults", () => {
  const { rule } = load("retry: { perRetry: { timeout: 2s } }", "");
  expect(rule?.retry).toMatchObject({
    numRetries: 2,
    retryOn: { httpStatusCodes: [503] },
    perRetry: { timeoutMs: 2_000, backOff: { baseIntervalMs: 25 } },
  });
});

test("both spellings at once are refused", () => {
  expect(load("retry: { attempts: 1, numRetries: 2 }", "").problems[0]).toContain("not both");
});

test("durations are milliseconds, at every depth", () => {
  const { rule, backend } = load(
    "sessionPersistence: { idleTimeout: 1m }, stickySplit: { type: Cookie, cookie: { name: c, ttl: 1h } }",
    `loadBalancer: { type: ConsistentHash, consistentHash: { type: Header, header: { name: x-user } } },
     healthCheck: { panicThreshold: 30, passive: { interval: 1s, latency: { minimumExcess: 20ms } } },
     retryConstraint: { budget: { percent: 5, interval: 3s } }, hedging: { delay: 50ms },
     circuitBreaker: { maxParallelRequests: 7 }, loadShedding: { capacity: 10 }`,
  );
  expect(rule?.sessionPersistence).toMatchObject({ idleTimeoutMs: 60_000, type: "Cookie" });
  expect(rule?.stickySplit).toEqual({ type: "Cookie", cookie: { name: "c", ttlMs: 3_600_000 } });
  expect(backend).toMatchObject({
    loadBalancer: { consistentHash: { type: "Header", header: { name: "x-user" } } },
    healthCheck: {
      panicThreshold: 30,
      passive: { intervalMs: 1_000, consecutive5xxErrors: 5, latency: { minimumExcessMs: 20, factor: 3 } },
    },
    retryConstraint: { budget: { percent: 5, intervalMs: 3_000 }, minRetryRate: { count: 10 } },
    hedging: { delayMs: 50, maxAttempts: 2 },
    circuitBreaker: { maxParallelRequests: 7 },
    loadShedding: { capacity: 10, startPercent: 70, default: "critical" },
  });
});

test.each([
  ["hedging: { delay: 0s }", "longer than 0s"],
  ["healthCheck: { passive: { interval: 99999h } }", "at most 596h"],
  ["loadBalancer: { type: ConsistentHash, consistentHash: { type: Cookie } }", "where the type is that"],
  ["loadBalancer: { type: Random, consistentHash: { type: URI } }", "expected type ConsistentHash"],
])("%s is refused", (backend, message) => {
  expect(load("", backend).problems.join()).toContain(message);
});
