// Values in matches that no request can have, or that cannot be evaluated.
import type { Exclusion, PathMatch, RouteMatch } from "#contract/http-route.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { isCidr } from "../native/address.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";

export const matchValues: Check = (config, report) => {
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      for (const [matchIndex, match] of rule.matches.entries()) {
        const path = ["routes", routeIndex, "rules", ruleIndex, "matches", matchIndex];
        checkMatch(match, path, report);
        for (const list of ["and", "not"] as const) {
          for (const [index, part] of (match[list] ?? []).entries())
            checkMatch(part, [...path, list, index], report);
        }
      }
    }
  }
};

/** Of what connections begin with, also where they are refused for it. */
export const connectionMatchValues: Check = (config, report) => {
  for (const [index, { rules, inspection }] of config.tcpRoutes.entries()) {
    const lists = [
      { path: ["tcpRoutes", index, "rules"], entries: rules },
      { path: ["tcpRoutes", index, "inspection", "rules"], entries: inspection?.rules ?? [] },
    ];
    for (const { path, entries } of lists) {
      for (const [ruleIndex, { matches }] of entries.entries()) {
        for (const [matchIndex, { conditions }] of matches.entries()) {
          const place = [...path, ruleIndex, "matches", matchIndex, "conditions"];
          for (const [position, { cidrs = [] }] of conditions.entries())
            checkNetworks(cidrs, [...place, position, "cidrs"], report);
        }
      }
    }
  }
};

/** Also of what limits ask of a request. */
export function checkMatch(match: RouteMatch | Exclusion, path: Path, report: Report): void {
  const asWritten = (name: string) => name;
  if (match.path) checkPath(match.path, [...path, "path", "value"], report);
  checkConditions("header", match.headers, (name) => name.toLowerCase(), [...path, "headers"], report);
  checkConditions("query parameter", match.queryParams, asWritten, [...path, "queryParams"], report);
  checkConditions("cookie", match.cookies, asWritten, [...path, "cookies"], report);
  checkConditions("claim", match.claims, asWritten, [...path, "claims"], report);
  checkNetworks(match.clientCIDRs ?? [], [...path, "clientCIDRs"], report);
  for (const [index, { cidrs = [] }] of ("texts" in match ? (match.texts ?? []) : []).entries())
    checkNetworks(cidrs, [...path, "texts", index, "cidrs"], report);
}

function checkPath(match: PathMatch, path: Path, report: Report): void {
  if (match.type === "RegularExpression") {
    checkRegex(match.value, path, report);
    return;
  }
  const problem = pathProblem(match.value);
  if (problem === undefined) return;
  report.add({
    code: "match-path-invalid",
    path,
    message: `no request has this path: ${problem}`,
    remedy: "Write the path as it is after normalisation: percent-encoded, without dot or empty segments.",
  });
}

/** The Gateway API's rule for HTTPPathMatch values, which are compared with normalised paths. */
function pathProblem(value: string): string | undefined {
  if (value.includes("//")) return "it has an empty segment (//)";
  if (/\/\.\.?(?:[/;]|$)/.test(value)) return "it has a dot segment (/./ or /../)";
  if (/%(?:2f|5c)/i.test(value)) return "it has an encoded slash, which the gateway refuses";
  const bad = /%(?![0-9A-Fa-f]{2})|[^%A-Za-z0-9\-._~!$&'()*+,;=:@/]/u.exec(value);
  return bad ? `${JSON.stringify(bad[0])} must be percent-encoded` : undefined;
}

interface Condition {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

/** Gateway API: of several conditions on one name only the first would count. */
function checkConditions(
  what: string,
  conditions: readonly Condition[] = [],
  normalize: (name: string) => string,
  path: Path,
  report: Report,
): void {
  const seen = new Set<string>();
  for (const [index, { type, name, value }] of conditions.entries()) {
    if (type === "RegularExpression") checkRegex(value, [...path, index, "value"], report);
    const key = normalize(name);
    if (seen.has(key)) {
      report.add({
        code: "match-condition-duplicate",
        path: [...path, index, "name"],
        message: `this match already has a condition on the ${what} ${JSON.stringify(name)}, and only the first would count`,
        remedy: "Join them into one regular expression, or write two matches for either-or.",
      });
    }
    seen.add(key);
  }
}

function checkRegex(value: string, path: Path, report: Report): void {
  const problem = patternError(value);
  if (problem !== undefined) report.add({ code: "match-regex-invalid", path, message: problem });
}

function checkNetworks(networks: readonly string[], path: Path, report: Report): void {
  for (const [index, network] of networks.entries()) {
    if (isCidr(network)) continue;
    const message = `expected a network such as 10.0.0.0/8 or 2001:db8::/32; found ${JSON.stringify(network)}`;
    report.add({ code: "match-network-invalid", path: [...path, index], message });
  }
}
