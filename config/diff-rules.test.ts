import { expect, test } from "vitest";
import { diffRules } from "./diff-rules.ts";
import { loadConfig } from "./load.ts";

const base = `listeners: [{ name: web, protocol: HTTP, port: 80 }, { name: admin, protocol: HTTP, port: 81 }]
backends: [{ name: v1, endpoints: [{ address: a, port: 80 }] }, { name: v2, endpoints: [{ address: b, port: 80 }] }]
`;

function changes(before: string, after: string): string[] {
  const [from, to] = [before, after].map((text) => {
    const { snapshot, diagnostics } = loadConfig([{ name: "f", content: base + text }]);
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    return snapshot!;
  });
  return diffRules(from!, to!).flatMap(({ kind, rule, text, details }) => [
    `${kind} ${rule}: ${text}`,
    ...details,
  ]);
}

const x = "{ matches: [{ path: { value: /x } }], backendRefs: [{ name: v1 }] }";
const y =
  "{ matches: [{ path: { type: Exact, value: /y }, method: GET, headers: [{ name: h, type: Present }] }], backendRefs: [{ name: v1, weight: 9 }, { name: v2 }] }";
const route = (rules: string, more = ""): string => `routes: [{ name: r, ${more} rules: [${rules}] }]\n`;

test("a rule in front of others changes none of them", () => {
  expect(changes(route(x), route(`${y}, ${x}`))).toEqual([
    "added r/0: GET /y (header h present) on every host -> v1 9, v2 1",
  ]);
  expect(changes(route(`${y}, ${x}`), route(x))).toEqual([
    "removed r/0: GET /y (header h present) on every host -> v1 9, v2 1",
  ]);
});

test("weights, matches, time limits and policies", () => {
  expect(changes(route(y), route(y.replace("weight: 9", "weight: 8")))).toEqual([
    "changed r/0: GET /y (header h present) on every host -> v1 8, v2 1",
    "backendRefs: v1 9, v2 1 -> v1 8, v2 1",
  ]);
  expect(
    changes(route(x), route(x.replace("/x", "/z").replace("}]", "}], timeouts: { request: 1s }"))),
  ).toEqual([
    "changed r/0: /z/* on every host -> v1",
    "matches: /x/* -> /z/*",
    "timeouts.request: none -> 1s",
  ]);
});

test("what the route says for all of its rules", () => {
  expect(
    changes(
      route(x, "hostnames: [a.test],"),
      route(
        x,
        "hostnames: [a.test, b.test], listeners: [web], securityPolicy: { clientCIDRs: { deny: [10.0.0.0/8] } },",
      ),
    ),
  ).toEqual([
    "changed r/0: /x/* on a.test, b.test -> v1",
    "hosts: a.test -> a.test, b.test",
    "listeners: web, admin -> web",
    "securityPolicy.clientCIDRs.deny: none -> 10.0.0.0/8",
  ]);
});

test("a route that comes or goes is its rules", () => {
  const named = route(x.replace("{ matches", "{ name: main, matches"));
  expect(changes("", named)).toEqual(["added r/main: /x/* on every host -> v1"]);
  expect(changes(named, named.replace("name: r,", "name: s,"))).toEqual([
    "removed r/main: /x/* on every host -> v1",
    "added s/main: /x/* on every host -> v1",
  ]);
  expect(changes(named, named)).toEqual([]);
});

test("policies are told field by field, passwords never", () => {
  const hash = (char: string): string => `{SHA}${char.repeat(27)}=`;
  const policy = (more: string): string => route(x.replace("}] }", `}], ${more} }`));
  const password = (users: string): string => policy(`securityPolicy: { basicAuth: { users: [${users}] } }`);
  const [ann, bob] = [`"ann:${hash("a")}"`, `"bob:${hash("b")}"`];
  expect(
    changes(policy("timeouts: { request: 5s }"), policy("timeouts: { request: 90s, backendRequest: 1s }")),
  ).toEqual([
    "changed r/0: /x/* on every host -> v1",
    "timeouts.request: 5s -> 90s",
    "timeouts.backendRequest: none -> 1s",
  ]);
  expect(changes(route(x), password(`${ann}, ${bob}`)).slice(1)).toEqual([
    "securityPolicy.basicAuth.users: none -> 2 of them",
    'securityPolicy.basicAuth.realm: none -> "isthmus"',
  ]);
  expect(changes(password(ann), password(bob)).slice(1)).toEqual([
    "securityPolicy.basicAuth.users: 1 of them -> others",
  ]);
  expect(
    changes(policy("retry: { attempts: 1 }"), policy("retry: { attempts: 3, codes: [503] }")).slice(1),
  ).toEqual(expect.arrayContaining([expect.stringMatching(/^retry\..*: .* -> .*/)]));
});
