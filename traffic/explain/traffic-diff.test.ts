// What a diff says of traffic against brute force: every request of a small world, asked of the naive matcher.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { Snapshot, SnapshotRoute } from "#contract/snapshot.ts";
import { routeMatchSchema } from "#contract/http-route.ts";
import { naiveMatch } from "../match/naive-matcher.ts";
import type { RequestHead } from "../match/request-head.ts";
import { createDestinations } from "./destination.ts";
import { madeUpRequests } from "./made-up-requests.ts";
import type { ExplainedRequest } from "./request-entry.ts";
import { compareTraffic } from "./traffic-diff.ts";

const hosts = ["a.test", "b.test"];
const targets = ["/", "/x", "/x/y", "/xy", "/z?q=1", "/z"];
const methods = ["GET", "POST"];
const headerValues = [undefined, "1"];

const world: ExplainedRequest[] = hosts.flatMap((host) =>
  targets.flatMap((target) =>
    methods.flatMap((method) =>
      headerValues.map((value) => ({
        method,
        url: new URL(`http://${host}/`),
        target,
        headers: new Map(value === undefined ? [] : [["h", value]]),
        peerAddress: "192.0.2.1",
      })),
    ),
  ),
);

const arbitraryMatch = fc.record(
  {
    path: fc.record({
      type: fc.constantFrom("Exact" as const, "PathPrefix" as const),
      value: fc.constantFrom("/", "/x", "/x/y", "/z"),
    }),
    method: fc.constantFrom("GET" as const, "POST" as const),
    headers: fc.constant([{ name: "h", value: "1" }]),
    queryParams: fc.constant([{ name: "q", value: "1" }]),
  },
  { requiredKeys: ["path"] },
);
const backendNames = ["v1", "v2"];
const arbitraryRule = fc.record({
  matches: fc.array(arbitraryMatch, { minLength: 1, maxLength: 2 }),
  weights: fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 2 })),
  timeout: fc.constantFrom(undefined, 1_000),
});
const arbitrarySnapshot = fc
  .array(
    fc.record({
      hostnames: fc.subarray(hosts),
      rules: fc.array(arbitraryRule, { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map(
    (routes): Snapshot =>
      ({
        format: 1,
        listeners: [{ name: "web", protocol: "HTTP", port: 80, hostnames: [] }],
        routes: routes.map(({ hostnames, rules }, index): SnapshotRoute => ({
          name: `r${index}`,
          listeners: ["web"],
          hostnames,
          rules: rules.map(({ matches, weights, timeout }, ruleIndex) => ({
            id: `r${index}/${ruleIndex}`,
            matches: matches.map((match) => routeMatchSchema.parse(match)),
            filters: [],
            backendRefs: backendNames.map((backend, at) => ({ backend, weight: weights[at]!, filters: [] })),
            timeouts: timeout === undefined ? {} : { requestMs: timeout },
          })),
        })),
        backends: backendNames.map((name, index) => ({
          name,
          protocol: "HTTP",
          endpoints: [{ id: `10.0.0.${index}:80`, address: `10.0.0.${index}`, port: 80, weight: 1 }],
          loadBalancer: { type: "RoundRobin" },
          healthCheck: {},
        })),
        settings: {
          clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
          accessLog: { mode: "off" },
        },
      }) as unknown as Snapshot,
  );

/** Shares and time limit of the rule that the naive matcher finds. */
function bruteForce(
  snapshot: Snapshot,
  { method, url, target, headers }: ExplainedRequest,
): [string, string] {
  const [path, query = ""] = target.split("?") as [string, string?];
  const header = (name: string): string | null => headers.get(name) ?? null;
  const head: RequestHead = { method, host: url.hostname, path, query, clientAddress: "192.0.2.1", header };
  const found = naiveMatch(snapshot, "web", head);
  if (!found) return ["404", ""];
  const { rule } = found;
  const total = rule.backendRefs.reduce((sum, { weight }) => sum + weight, 0);
  const shares = rule.backendRefs.map(({ weight }) => (total === 0 ? 0 : weight / total));
  return [shares.join(), total === 0 ? "" : String(rule.timeouts.requestMs)];
}

test("counts agree with brute force", () => {
  fc.assert(
    fc.property(arbitrarySnapshot, arbitrarySnapshot, (before, after) => {
      const diff = compareTraffic(
        before,
        after,
        world.map((request) => ({ request, count: 1 })),
      );
      const pairs = world.map(
        (request) => [bruteForce(before, request), bruteForce(after, request)] as const,
      );
      expect(diff.total).toBe(world.length);
      expect(diff.elsewhere).toBe(pairs.filter(([[from], [to]]) => from !== to).length);
      const sameButOtherwise = pairs.filter(([from, to]) => from[0] === to[0] && from[1] !== to[1]);
      expect(diff.otherwise).toBeGreaterThanOrEqual(sameButOtherwise.length);
      if (diff.elsewhere + diff.otherwise === 0)
        expect(pairs.every(([from, to]) => from[0] === to[0])).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("a configuration against itself, whatever its backends and routes are called", () => {
  fc.assert(
    fc.property(arbitrarySnapshot, (snapshot) => {
      const renamed = JSON.parse(
        JSON.stringify(snapshot)
          .replaceAll(/"(v[12])"/g, '"other-$1"')
          .replaceAll(/"r([0-9])/g, '"s$1'),
      ) as Snapshot;
      const sample = [...madeUpRequests([snapshot])].map((request) => ({ request, count: 3 }));
      const { elsewhere, otherwise, total } = compareTraffic(snapshot, renamed, sample);
      expect({ elsewhere, otherwise, total }).toEqual({
        elsewhere: 0,
        otherwise: 0,
        total: 3 * sample.length,
      });
    }),
  );
});

test("every match is asked by a request that is made up for it", () => {
  fc.assert(
    fc.property(arbitrarySnapshot, (snapshot) => {
      const destination = createDestinations(snapshot);
      const asked = new Set([...madeUpRequests([snapshot])].map((request) => destination(request).rule));
      for (const request of world) {
        const { rule } = destination(request);
        if (rule !== undefined) expect(asked).toContain(rule);
      }
    }),
  );
});
