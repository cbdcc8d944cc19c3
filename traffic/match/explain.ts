// Why a request falls to the rule it falls to, and why to no other: asks the compiled matcher for the winner, and of every
// candidate each condition by itself, compiled as the matcher compiles it.
import type { RouteMatch } from "#contract/http-route.ts";
import type { Snapshot, SnapshotRoute } from "#contract/snapshot.ts";
import { claimText } from "../access/claims.ts";
import { compileConditions } from "./condition.ts";
import type { Entry } from "./entry.ts";
import { HostIndex } from "./host-index.ts";
import { compileEntries, compileMatcher, type MatcherProblem, type RuleMatch } from "./matcher.ts";
import { pathMatches } from "./path-matcher.ts";
import { compilePattern } from "./pattern/pattern.ts";
import { comparePrecedence } from "./precedence.ts";
import { RequestFacts } from "./request-facts.ts";
import type { RequestHead } from "./request-head.ts";

export interface Candidate {
  readonly route: string;
  /** `id` of the rule. */
  readonly rule: string;
  readonly matchIndex: number;
  /** `outranked`: it holds, but one before it does, too. `elsewhere`: of another listener or host. */
  readonly outcome: "wins" | "outranked" | "fails" | "elsewhere";
  /** What does not hold, in words. */
  readonly reasons: readonly string[];
}

export interface MatchExplanation {
  readonly winner: RuleMatch | undefined;
  /** Host name of the configuration that decides which routes are asked; empty: every host. Absent: none fits. */
  readonly hostname?: string;
  /** Why no rule is asked at all, or none is taken. */
  readonly refusal?: string;
  /** In order of precedence. */
  readonly candidates: readonly Candidate[];
  readonly problems: readonly MatcherProblem[];
}

export function explainMatch(snapshot: Snapshot, listener: string, head: RequestHead): MatchExplanation {
  const winner = compileMatcher(snapshot).match(listener, head);
  const problems: MatcherProblem[] = [];
  const entries = compileEntries(snapshot, problems).sort(comparePrecedence);
  const attached = new Set(snapshot.routes.filter((route) => route.listeners.includes(listener)));
  const hostname = decidingHostname(attached, head.host);
  const facts = new RequestFacts(head);
  const candidates = entries.map((entry): Candidate => {
    const { route, rule } = entry.result;
    const base = { route: route.name, rule: rule.id, matchIndex: entry.rank.matchIndex };
    if (!attached.has(route)) {
      const reason = `the route is not attached to the listener ${listener}`;
      return { ...base, outcome: "elsewhere", reasons: [reason] };
    }
    if (hostname === undefined || !hostnamesOf(route).includes(hostname)) {
      return { ...base, outcome: "elsewhere", reasons: [hostReason(route, head.host, hostname)] };
    }
    const reasons = failures(entry, facts);
    if (reasons.length > 0) return { ...base, outcome: "fails", reasons };
    if (winner && entry.result.match === winner.match && rule === winner.rule) {
      return { ...base, outcome: "wins", reasons: [] };
    }
    return { ...base, outcome: "outranked", reasons: [] };
  });
  const refusal = winner ? undefined : refusalOf(snapshot, listener, head, candidates);
  return {
    winner,
    ...(hostname !== undefined && { hostname }),
    ...(refusal !== undefined && { refusal }),
    candidates,
    problems,
  };
}

function hostnamesOf({ hostnames }: SnapshotRoute): readonly string[] {
  return hostnames.length === 0 ? [""] : hostnames;
}

function decidingHostname(routes: Iterable<SnapshotRoute>, host: string): string | undefined {
  const index = new HostIndex<string>();
  for (const route of routes) for (const name of hostnamesOf(route)) index.at(name, () => name);
  return index.find(host);
}

function hostReason(route: SnapshotRoute, host: string, hostname: string | undefined): string {
  const names = hostnamesOf(route).map((name) => name || "every host");
  const alone = new HostIndex<true>();
  for (const name of hostnamesOf(route)) alone.at(name, () => true);
  if (!alone.find(host)) return `host ${host} is not ${names.join(" or ")}`;
  return `host: ${names.join(", ")} is less specific than ${hostname || "every host"} of another route`;
}

/** Each condition of a match that does not hold, by itself. */
function failures({ result: { match }, path }: Entry, facts: RequestFacts): string[] {
  const { head } = facts;
  const reasons: string[] = [];
  if (!pathMatches(path, facts.path))
    reasons.push(`path ${facts.path} is not ${match.path.type} ${match.path.value}`);
  if (match.method !== undefined && match.method !== head.method) {
    reasons.push(`method ${head.method} is not ${match.method}`);
  }
  const bare: RouteMatch = { path: match.path, headers: [], queryParams: [], cookies: [] };
  for (const { part, text } of conditionParts(match)) {
    const holds = compileConditions({ ...bare, ...part }, compilePattern);
    if (!holds.every((condition) => condition(facts))) reasons.push(text(head));
  }
  return reasons;
}

interface ConditionPart {
  readonly part: Partial<RouteMatch>;
  readonly text: (head: RequestHead) => string;
}

/** The conditions besides path and method, one by one. */
function conditionParts(match: RouteMatch): ConditionPart[] {
  const { headers, queryParams, cookies = [], claims = [], clientCIDRs, and = [], not = [] } = match;
  return [
    ...headers.map((header): ConditionPart => ({
      part: { headers: [header] },
      text: (head) => `header ${wanted(header)}, is ${shown(head.header(header.name.toLowerCase()))}`,
    })),
    ...queryParams.map((param): ConditionPart => ({
      part: { queryParams: [param] },
      text: (head) =>
        `query parameter ${wanted(param)}, is ${shown(new RequestFacts(head).queryParam(param.name))}`,
    })),
    ...cookies.map((cookie): ConditionPart => ({
      part: { cookies: [cookie] },
      text: (head) => `cookie ${wanted(cookie)}, is ${shown(new RequestFacts(head).cookie(cookie.name))}`,
    })),
    ...claims.map((claim): ConditionPart => ({
      part: { claims: [claim] },
      text: (head) => `claim ${wanted(claim)}, is ${shown(claimText(head.claims ?? {}, claim.name) ?? null)}`,
    })),
    ...(clientCIDRs
      ? [
          {
            part: { clientCIDRs },
            text: (head: RequestHead) =>
              `client ${head.clientAddress ?? "unknown"} is not in ${clientCIDRs.join(" or ")}`,
          },
        ]
      : []),
    ...and.map((one): ConditionPart => ({
      part: { and: [one] },
      text: () => `and: ${JSON.stringify(one)} does not hold`,
    })),
    ...not.map((one): ConditionPart => ({
      part: { not: [one] },
      text: () => `not: ${JSON.stringify(one)} holds`,
    })),
  ];
}

function wanted({ name, type, value }: { name: string; type: string; value?: string | undefined }): string {
  return `${name} should be ${type}${value === undefined ? "" : ` ${JSON.stringify(value)}`}`;
}

function shown(value: string | null): string {
  return value === null ? "absent" : JSON.stringify(value);
}

function refusalOf(
  snapshot: Snapshot,
  name: string,
  { host, path }: RequestHead,
  candidates: readonly Candidate[],
): string {
  const listener = snapshot.listeners.find((one) => one.name === name);
  if (!listener) return `there is no listener ${name}`;
  const accepted = new HostIndex<true>();
  for (const hostname of listener.hostnames) accepted.at(hostname, () => true);
  if (listener.hostnames.length > 0 && !accepted.find(host)) {
    return `the listener ${name} accepts only ${listener.hostnames.join(", ")}`;
  }
  if (candidates.every(({ outcome }) => outcome === "elsewhere")) {
    return `no route of the listener ${name} is for the host ${host}`;
  }
  if (candidates.some(({ outcome }) => outcome === "outranked")) {
    return `the parameters (";") of the path ${path} would decide which rule it falls to (docs/paths.md)`;
  }
  return "no match of the routes for this host holds";
}
