import * as fc from "fast-check";
import { expect, test } from "vitest";
import { explainMatch } from "./explain.ts";
import { headOf, type RequestInput, snapshotOf } from "./match-case.ts";
import { compileMatcher } from "./matcher.ts";

const snapshot = snapshotOf(
  [
    { name: "root", rules: [[{}]] },
    {
      name: "api",
      hostnames: ["*.example.com"],
      rules: [
        [{ path: { type: "Exact", value: "/orders" }, method: "POST" }],
        [
          {
            path: { type: "PathPrefix", value: "/orders" },
            headers: [{ name: "X-Tester", type: "Exact", value: "yes" }],
            queryParams: [{ name: "page", type: "RegularExpression", value: "[0-9]+" }],
          },
        ],
        [{ path: { type: "PathPrefix", value: "/orders" } }],
        [{ path: { type: "PathPrefix", value: "/" }, clientCIDRs: ["10.0.0.0/8"] }],
        [{ path: { type: "PathPrefix", value: "/" } }],
      ],
    },
    { name: "inner", listeners: ["secure"], rules: [[{}]] },
  ],
  ["secure.example.com"],
);

function explain(request: RequestInput): ReturnType<typeof explainMatch> {
  return explainMatch(snapshot, request.listener ?? "web", headOf(request));
}

test("the winner, and of every other candidate why not", () => {
  const { winner, candidates, hostname } = explain({ host: "a.example.com", target: "/orders?page=x" });
  expect(winner?.rule.id).toBe("api/2");
  expect(hostname).toBe("*.example.com");
  expect(candidates).toEqual([
    {
      route: "api",
      rule: "api/0",
      matchIndex: 0,
      outcome: "fails",
      reasons: ["method GET is not POST"],
    },
    {
      route: "api",
      rule: "api/1",
      matchIndex: 0,
      outcome: "fails",
      reasons: [
        'header X-Tester should be Exact "yes", is absent',
        'query parameter page should be RegularExpression "[0-9]+", is "x"',
      ],
    },
    { route: "api", rule: "api/2", matchIndex: 0, outcome: "wins", reasons: [] },
    {
      route: "api",
      rule: "api/3",
      matchIndex: 0,
      outcome: "fails",
      reasons: ["client 203.0.113.9 is not in 10.0.0.0/8"],
    },
    { route: "api", rule: "api/4", matchIndex: 0, outcome: "outranked", reasons: [] },
    {
      route: "inner",
      rule: "inner/0",
      matchIndex: 0,
      outcome: "elsewhere",
      reasons: ["the route is not attached to the listener web"],
    },
    {
      route: "root",
      rule: "root/0",
      matchIndex: 0,
      outcome: "elsewhere",
      reasons: ["host: every host is less specific than *.example.com of another route"],
    },
  ]);
});

test.each<[RequestInput, string]>([
  [{ listener: "nope", target: "/" }, "there is no listener nope"],
  [{ listener: "secure", host: "x.org", target: "/" }, "the listener secure accepts only secure.example.com"],
  [{ host: "a.example.com", target: "/x;y=1/orders" }, ""],
])("%j: refused because %s", (request, refusal) => {
  const { refusal: told, winner } = explain(request);
  if (refusal === "") expect(winner).toBeDefined();
  else expect(told).toBe(refusal);
});

test("no candidate holds: the refusal says so", () => {
  const only = snapshotOf([{ name: "a", rules: [[{ path: { type: "Exact", value: "/a" } }]] }]);
  const { refusal, candidates } = explainMatch(only, "web", headOf({ target: "/b" }));
  expect(refusal).toBe("no match of the routes for this host holds");
  expect(candidates[0]?.reasons).toEqual(["path /b is not Exact /a"]);
});

test("whatever is asked, the one that wins is the matcher's, and it is the first that holds", () => {
  const request = fc.record({
    host: fc.constantFrom("a.example.com", "secure.example.com", "other.org"),
    listener: fc.constantFrom("web", "secure"),
    method: fc.constantFrom("GET", "POST"),
    target: fc.constantFrom("/", "/orders", "/orders?page=7", "/orders/1", "/ordersx"),
    client: fc.constantFrom("10.1.2.3", "203.0.113.9"),
    headers: fc.constantFrom({}, { "x-tester": "yes" }),
  });
  const matcher = compileMatcher(snapshot);
  fc.assert(
    fc.property(request, (given) => {
      const { candidates, winner, refusal } = explain(given);
      const expected = matcher.match(given.listener, headOf(given));
      expect(winner?.rule.id).toBe(expected?.rule.id);
      const holding = candidates.filter(({ outcome }) => outcome === "wins" || outcome === "outranked");
      if (expected) expect(holding[0]).toMatchObject({ outcome: "wins", rule: expected.rule.id });
      else expect(refusal).toBeDefined();
    }),
    { seed: 7, numRuns: 300 },
  );
});
