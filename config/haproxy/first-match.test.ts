// Random rules of a frontend and its backends, read literally, step by step, as HAProxy does: the imported model must
// come to the same end for every request.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { compileFilters } from "#traffic/filter/compile.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import { compileMatcher } from "#traffic/match/matcher.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";

interface Request {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: string;
}

interface Criterion {
  readonly text: string;
  readonly holds: (request: Request) => boolean;
}

const elements = (value: string | undefined): string[] => value?.split(",").map((part) => part.trim()) ?? [];
const criteria: readonly Criterion[] = [
  { text: "path /a /b", holds: ({ path }) => path === "/a" || path === "/b" },
  { text: "path -i /A/B", holds: ({ path }) => path.toLowerCase() === "/a/b" },
  { text: "path_beg /a", holds: ({ path }) => path.startsWith("/a") },
  { text: "path_beg /a/ /b/", holds: ({ path }) => path.startsWith("/a/") || path.startsWith("/b/") },
  { text: "path_end b", holds: ({ path }) => path.endsWith("b") },
  { text: "path_reg ^/[ab]/?$", holds: ({ path }) => /^\/[ab]\/?$/.test(path) },
  { text: "path_dir b", holds: ({ path }) => path.split("/").includes("b") },
  { text: "hdr(host) -i one.test two.test", holds: ({ host }) => host === "one.test" || host === "two.test" },
  { text: "hdr(host) -i one.test", holds: ({ host }) => host === "one.test" },
  { text: "hdr_end(host) -i .two.test", holds: ({ host }) => host.endsWith(".two.test") },
  { text: "hdr_beg(host) -i one.", holds: ({ host }) => host.startsWith("one.") },
  { text: "method POST PUT", holds: ({ method }) => method === "POST" || method === "PUT" },
  { text: "hdr(x) 1", holds: ({ headers }) => elements(headers["x"]).includes("1") },
  {
    text: "hdr_sub(x) 2",
    holds: ({ headers }) => elements(headers["x"]).some((value) => value.includes("2")),
  },
  { text: "hdr(y) -m found", holds: ({ headers }) => headers["y"] !== undefined },
  { text: "urlp(q) 1", holds: ({ query }) => query === "q=1" },
  { text: "src 10.0.0.0/8", holds: ({ client }) => client.startsWith("10.") },
  { text: "always_true", holds: () => true },
];

/** Alternatives of terms; a term may be negated. */
type Condition = readonly (readonly { readonly criterion: number; readonly negated: boolean }[])[];

interface Rule {
  readonly action: "deny" | "return" | "allow" | "set-header" | "del-header";
  readonly condition: Condition;
}

interface Frontend {
  readonly rules: readonly Rule[];
  readonly backendRules: readonly Rule[];
  readonly uses: readonly { readonly backend: "b1" | "b2"; readonly condition: Condition }[];
  readonly hasDefault: boolean;
}

const condition: fc.Arbitrary<Condition> = fc.array(
  fc.array(fc.record({ criterion: fc.nat({ max: criteria.length - 1 }), negated: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  }),
  { minLength: 1, maxLength: 2 },
);
const rule = fc.record({
  action: fc.constantFrom(
    "deny" as const,
    "return" as const,
    "allow" as const,
    "set-header" as const,
    "del-header" as const,
  ),
  condition,
});
const frontend: fc.Arbitrary<Frontend> = fc.record({
  rules: fc.array(rule, { maxLength: 4 }),
  backendRules: fc.array(rule, { maxLength: 2 }),
  uses: fc.array(fc.record({ backend: fc.constantFrom("b1" as const, "b2" as const), condition }), {
    maxLength: 5,
  }),
  hasDefault: fc.boolean(),
});
const request: fc.Arbitrary<Request> = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT"),
  host: fc.constantFrom("one.test", "two.test", "a.two.test", "a.b.two.test", "one.two.test", "other.test"),
  path: fc.constantFrom("/", "/a", "/b", "/a/b", "/A/B", "/a/", "/b/a", "/ab", "/c"),
  query: fc.constantFrom("", "q=1", "q=2"),
  headers: fc.record(
    { x: fc.constantFrom("1", "2", "1, 3", "12", "3"), y: fc.constantFrom("", "1") },
    { requiredKeys: [] },
  ),
  client: fc.constantFrom("10.1.2.3", "192.0.2.1"),
});

function conditionText(condition: Condition): string {
  return condition
    .map((terms) =>
      terms
        .map(({ criterion, negated }) => `${negated ? "!" : ""}{ ${criteria[criterion]!.text} }`)
        .join(" "),
    )
    .join(" || ");
}

function ruleText({ action, condition }: Rule, header: string): string {
  const text = {
    deny: "deny",
    return: "return status 204",
    allow: "allow",
    "set-header": `set-header ${header} set`,
    "del-header": `del-header ${header}`,
  }[action];
  return `  http-request ${text} if ${conditionText(condition)}`;
}

function configText({ rules, backendRules, uses, hasDefault }: Frontend): string {
  return [
    "defaults",
    "  mode http",
    "frontend web",
    "  bind *:80",
    // Headers that conditions do not look at, so that the order of evaluation is all that counts.
    ...rules.map((one) => ruleText(one, "z")),
    ...uses.map(({ backend, condition }) => `  use_backend ${backend} if ${conditionText(condition)}`),
    ...(hasDefault ? ["  default_backend b2"] : []),
    "backend b1",
    ...backendRules.map((one) => ruleText(one, "w")),
    "  server s 10.0.0.1:80",
    "backend b2",
    "  server s 10.0.0.2:80",
    "",
  ].join("\n");
}

function holds(condition: Condition, request: Request): boolean {
  return condition.some((terms) =>
    terms.every(({ criterion, negated }) => criteria[criterion]!.holds(request) !== negated),
  );
}

/** Where HAProxy would send the request, by reading the statements from top to bottom. */
function literal(config: Frontend, request: Request): string {
  const headers: Record<string, string | undefined> = { z: request.headers["z"], w: request.headers["w"] };
  const run = (rules: readonly Rule[], header: string): string | undefined => {
    for (const { action, condition } of rules) {
      if (!holds(condition, request)) continue;
      if (action === "deny") return "403";
      if (action === "return") return "204";
      if (action === "allow") return undefined;
      headers[header] = action === "set-header" ? "set" : undefined;
    }
    return undefined;
  };
  const answer = run(config.rules, "z");
  if (answer) return answer;
  const used = config.uses.find(({ condition }) => holds(condition, request));
  const backend = used?.backend ?? (config.hasDefault ? "b2" : undefined);
  if (!backend) return "503";
  return (
    (backend === "b1" ? run(config.backendRules, "w") : undefined) ??
    `${backend} z=${headers["z"]} w=${headers["w"]}`
  );
}

function imported(snapshot: Snapshot, request: Request): string {
  const { method, host, path, query, client } = request;
  const headers: Record<string, string> = { ...request.headers, host };
  const found = compileMatcher(snapshot).match("web", {
    method,
    host,
    path,
    query,
    clientAddress: client,
    header: (name) => headers[name] ?? null,
  });
  if (!found) return "404";
  const plan = compileFilters(found.rule.filters);
  if (plan.directResponse) return String(plan.directResponse.status);
  const sent = new Headers();
  applyHeaderOperations(plan.requestHeaders, sent);
  const shown = (name: string) => sent.get(name) ?? undefined;
  return `${found.rule.backendRefs[0]!.backend} z=${shown("z")} w=${shown("w")}`;
}

test("the first rule that matches wins, as in HAProxy", { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(frontend, fc.array(request, { minLength: 1, maxLength: 10 }), (config, requests) => {
      const text = configText(config);
      const { snapshot, diagnostics } = loadConfig([{ name: "haproxy.cfg", content: text }]);
      const problems = diagnostics.map(formatDiagnostic).join("\n");
      // A condition that comes to more alternatives than a rule may have is refused, never guessed.
      if (/too many (?:alternatives|parts)/.test(problems)) return;
      expect(snapshot, `${text}\n${problems}`).toBeDefined();
      for (const one of requests) {
        expect(imported(snapshot!, one), `${text}\n${JSON.stringify(one)}`).toBe(literal(config, one));
      }
    }),
    { numRuns: 150 },
  );
});
