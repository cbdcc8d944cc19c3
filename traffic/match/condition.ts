// Conditions of a match beyond path and method, compiled to predicates. All conditions of one match hold together.
import type { ClaimMatch, Exclusion, HeaderMatch, RouteMatch } from "#contract/http-route.ts";
import { claimValues } from "../access/claims.ts";
import { cidrContains, parseCidr } from "../forwarding/cidr.ts";
import { compilePathMatcher, pathMatches, type PatternCompiler } from "./path-matcher.ts";
import type { RequestFacts } from "./request-facts.ts";
import { textCondition } from "./text-condition.ts";

export type Condition = (facts: RequestFacts) => boolean;

/** Headers, query parameters and cookies are matched alike. */
export type ValueMatch = HeaderMatch;

/** Throws an error whose message says why a condition cannot be compiled. */
export function compileConditions(match: RouteMatch, compilePattern: PatternCompiler): Condition[] {
  const conditions = valueConditions(match, compilePattern);
  if (match.clientCIDRs) conditions.push(clientCondition(match.clientCIDRs));
  for (const part of match.and ?? []) conditions.push(...compileExclusion(part, compilePattern));
  for (const exclusion of match.not ?? []) {
    const excluded = compileExclusion(exclusion, compilePattern);
    const asksForClaims = exclusion.claims !== undefined;
    conditions.push(
      (facts) =>
        (asksForClaims && facts.head.claims === undefined) ||
        !excluded.every((condition) => condition(facts)),
    );
  }
  return conditions;
}

/** Of several conditions on one name only the first counts (Gateway API `HTTPHeaderMatch.name`). */
export function firstOfEach(matches: readonly ValueMatch[] = [], ignoreCase = false): ValueMatch[] {
  const seen = new Set<string>();
  return matches.filter(({ name }) => {
    const key = ignoreCase ? name.toLowerCase() : name;
    return !seen.has(key) && seen.add(key);
  });
}

type ValueConditions = Pick<Exclusion, "headers" | "queryParams" | "cookies" | "claims">;

function valueConditions(match: ValueConditions, compilePattern: PatternCompiler): Condition[] {
  return [
    ...headerConditions(match.headers, compilePattern),
    ...firstOfEach(match.queryParams).map((param): Condition => {
      const holds = valueTest(param, compilePattern);
      return (facts) => holds(facts.queryParam(param.name));
    }),
    ...firstOfEach(match.cookies).map((cookie): Condition => {
      const holds = valueTest(cookie, compilePattern);
      return (facts) => holds(facts.cookie(cookie.name));
    }),
    ...firstOfEach(match.claims).map((claim) => claimCondition(claim, compilePattern)),
  ];
}

/** Throws what `compilePattern` throws. */
export function headerConditions(
  matches: readonly HeaderMatch[] | undefined,
  compilePattern: PatternCompiler,
): Condition[] {
  return firstOfEach(matches, true).map((header): Condition => {
    const name = header.name.toLowerCase();
    const holds = valueTest(header, compilePattern);
    return ({ head }) => holds(head.header(name));
  });
}

/** While no token has been looked at, it may hold. */
function claimCondition(claim: ClaimMatch, compilePattern: PatternCompiler): Condition {
  const holds = valueTest(claim, compilePattern);
  return ({ head: { claims } }) => {
    if (claims === undefined) return true;
    const values = claimValues(claims, claim.name);
    return values.length === 0 ? holds(null) : values.some(holds);
  };
}

function clientCondition(texts: readonly string[]): Condition {
  const networks = texts.map((text) => {
    const network = parseCidr(text);
    // Left out it could let in, under `not`, what it was to keep out.
    if (!network) throw new Error(`${JSON.stringify(text)} is not a network`);
    return network;
  });
  return ({ client }) => client !== null && networks.some((network) => cidrContains(network, client));
}

function compileExclusion(exclusion: Exclusion, compilePattern: PatternCompiler): Condition[] {
  const conditions = valueConditions(exclusion, compilePattern);
  const { path, method, clientCIDRs, texts = [] } = exclusion;
  for (const match of texts) {
    const holds = textCondition(match, compilePattern);
    conditions.push(({ head }) => holds(head));
  }
  if (clientCIDRs) conditions.unshift(clientCondition(clientCIDRs));
  if (path) {
    const matcher = compilePathMatcher(path, compilePattern);
    conditions.unshift((facts) => pathMatches(matcher, facts.path));
  }
  if (method) conditions.unshift(({ head }) => head.method === method);
  return conditions;
}

/** Throws what `compilePattern` throws. */
export function valueTest(
  match: ValueMatch,
  compilePattern: PatternCompiler,
): (value: string | null) => boolean {
  const expected = match.value;
  switch (match.type) {
    case "Exact":
      return (value) => value === expected;
    case "Present":
      return (value) => value !== null;
    case "Absent":
      return (value) => value === null;
    case "RegularExpression": {
      const pattern = compilePattern(expected);
      return (value) => value !== null && pattern.test(value);
    }
  }
}
