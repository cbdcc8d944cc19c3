// Rate limits that cannot work as written, or that count nothing.
import { limits } from "#contract/limits.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { limitKey, limitsOfRule, limitWindowMs } from "../compile-rate-limit.ts";
import type {
  NativeClientSelector,
  NativeGlobalLimit,
  NativeLimit,
  NativeRateLimit,
  NativeRateLimitPolicy,
} from "../native/rate-limit.ts";
import type { NativeRoute, NativeRule } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import { ruleId } from "../rule.ts";
import type { Check } from "./check.ts";
import { checkMatch } from "./match-values.ts";

/** What the counts of one limit can be told over. */
const maxWindowMs = 366 * 86_400_000;

export const rateLimits: Check = (config, report) => {
  const policies = new Map(config.rateLimitPolicies.map((policy) => [policy.name, policy]));
  for (const [index, policy] of config.rateLimitPolicies.entries()) {
    checkBlock(policy, ["rateLimitPolicies", index], report);
  }
  for (const [routeIndex, route] of config.routes.entries()) {
    const path = ["routes", routeIndex, "rateLimit"];
    if (route.rateLimit) checkBlock(route.rateLimit, path, report);
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const rulePath = ["routes", routeIndex, "rules", ruleIndex];
      if (rule.rateLimit) checkBlock(rule.rateLimit, [...rulePath, "rateLimit"], report);
      checkTogether(route, ruleIndex, policies, rule.rateLimit ? [...rulePath, "rateLimit"] : path, report);
      checkClaims(route, rule, [...rulePath, "rateLimit"], report);
    }
  }
};

type Block = Pick<NativeRateLimit, "global" | "local" | "concurrency">;
type RateLimit = Omit<NativeGlobalLimit, "mode" | "onUnavailable">;

function checkBlock({ global, local, concurrency }: Block, path: Path, report: Report): void {
  for (const [index, rule] of (global?.rules ?? []).entries()) {
    checkRate(rule, [...path, "global", "rules", index], report);
  }
  for (const [index, rule] of (local?.rules ?? []).entries()) {
    checkRate(rule, [...path, "local", "rules", index], report);
  }
  for (const [index, rule] of (concurrency?.rules ?? []).entries()) {
    checkSelectors(rule.clientSelectors, [...path, "concurrency", "rules", index], report);
  }
}

function checkRate(rule: RateLimit, path: Path, report: Report): void {
  const parts = checkSelectors(rule.clientSelectors, path, report);
  checkLimit(rule.limit, rule.cost.request.number, [...path, "limit"], report);
  for (const [index, override] of rule.overrides.entries()) {
    const overridePath = [...path, "overrides", index];
    checkLimit(override.limit, rule.cost.request.number, [...overridePath, "limit"], report);
    if (override.key.length === parts) continue;
    report.add({
      code: "rate-limit-invalid",
      path: [...overridePath, "key"],
      message: `${override.key.length} values, but this limit has ${parts} Distinct selectors`,
      remedy: "Give one value for each of them, in their order.",
    });
  }
}

/** Returns how many values make a key. */
function checkSelectors(selectors: readonly NativeClientSelector[], path: Path, report: Report): number {
  for (const [index, { headers, cookies, and = [], not = [] }] of selectors.entries()) {
    for (const [list, requests] of Object.entries({ and, not })) {
      for (const [position, request] of requests.entries())
        checkMatch(request, [...path, "clientSelectors", index, list, position], report);
    }
    for (const [field, list] of Object.entries({ headers, cookies })) {
      for (const [position, { type, value }] of list.entries()) {
        const message = type === "RegularExpression" ? patternError(value) : undefined;
        if (message === undefined) continue;
        const place = [...path, "clientSelectors", index, field, position, "value"];
        report.add({ code: "match-regex-invalid", path: place, message });
      }
    }
  }
  if (selectors.filter(({ sourceCIDR }) => sourceCIDR).length > 1) {
    const message = "a second sourceCIDR; a client has one address, so expected at most one";
    report.add({ code: "rate-limit-invalid", path: [...path, "clientSelectors"], message });
  }
  const parts = limitKey(selectors).length;
  if (parts > 8) {
    const message = `a key of ${parts} values; expected at most 8`;
    report.add({ code: "limit-exceeded", path: [...path, "clientSelectors"], message });
  }
  return parts;
}

function checkLimit(limit: NativeLimit, cost: number, path: Path, report: Report): void {
  const { algorithm, requests, burst } = limit;
  const windowMs = limitWindowMs(limit);
  if (windowMs === 0 || windowMs > maxWindowMs) {
    const message = `expected a window longer than 0s, of at most 366 days; found ${limit.window}`;
    report.add({ code: "duration-range", path: [...path, "window"], message });
  }
  if (burst !== undefined && algorithm !== "TokenBucket") {
    const message = `a burst has no meaning for ${algorithm}: its windows may be spent at once`;
    report.add({ code: "rate-limit-invalid", path: [...path, "burst"], message });
  }
  const capacity = algorithm === "TokenBucket" ? (burst ?? requests) : requests;
  if (cost <= capacity) return;
  report.add({
    code: "rate-limit-invalid",
    path,
    message: `a request costs ${cost}, but at most ${capacity} can be spent at once, so every request would be refused`,
    remedy: "Raise the limit or its burst, or lower the cost.",
  });
}

/** All that holds for one rule: its number, and names that clients can tell apart. */
function checkTogether(
  route: NativeRoute,
  ruleIndex: number,
  policies: ReadonlyMap<string, NativeRateLimitPolicy>,
  path: Path,
  report: Report,
): void {
  const blocks = limitsOfRule(route, ruleId(route, ruleIndex), route.rules[ruleIndex]?.rateLimit, policies);
  const rates = blocks.flatMap(({ block }) => [
    ...(block.global?.rules ?? []),
    ...(block.local?.rules ?? []),
  ]);
  const places = blocks.flatMap(({ block }) => block.concurrency?.rules ?? []);
  for (const list of [rates, places]) {
    if (list.length <= limits.limitsPerRule) continue;
    const message = `${list.length} limits hold for one rule; expected at most ${limits.limitsPerRule}`;
    report.add({ code: "limit-exceeded", path, message });
  }
  const seen = new Set<string>();
  for (const { name } of [...rates, ...places]) {
    if (seen.has(name)) {
      report.add({
        code: "name-duplicate",
        path,
        message: `two limits that hold for rule ${ruleId(route, ruleIndex)} are named ${JSON.stringify(name)}`,
        remedy: "Give each limit a name of its own.",
      });
    }
    seen.add(name);
  }
}

/** A claim counts only when a token was verified. */
function checkClaims(route: NativeRoute, rule: NativeRule, path: Path, report: Report): void {
  const inherited = rule.securityPolicy?.inherit === false ? undefined : route.securityPolicy?.jwt;
  if (!rule.rateLimit || rule.securityPolicy?.jwt || inherited) return;
  const { global, local, concurrency } = rule.rateLimit;
  const lists = Object.entries({ global, local, concurrency });
  for (const [block, list] of lists) {
    for (const [index, { clientSelectors }] of (list?.rules ?? []).entries()) {
      if (clientSelectors.every(({ claims }) => claims.length === 0)) continue;
      report.add({
        code: "rate-limit-ineffective",
        path: [...path, block, "rules", index],
        message: "this limit asks for a claim, but no token is verified for this rule, so it counts nothing",
        remedy: "Add securityPolicy.jwt to the rule or its route.",
      });
    }
  }
}
