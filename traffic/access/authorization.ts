// Authorization rules with Istio's order: a Deny rule that matches decides; then an Allow rule that matches; then the
// default action, which is Deny as soon as there is an Allow rule.
//
// Where a request can be read in two ways, or something about it is not known, a Deny rule takes the reading that
// matches it and an Allow rule the one that does not.
import type { Authorization, AuthorizationRule, RequestRule } from "#contract/security-policy.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";
import { compilePathMatcher, pathMatches } from "../match/path-matcher.ts";
import { normalizePath } from "../match/path.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import type { RequestHead } from "../match/request-head.ts";
import { claimValues, tokenScopes } from "./claims.ts";
import { inNetworks, parseNetworks } from "./client-networks.ts";
import { type Identity, requestPrincipal } from "./identity.ts";
import { compileTextPatterns } from "./text-pattern.ts";

export interface AuthorizationRequest {
  readonly head: RequestHead;
  readonly clientAddress: string;
  readonly identity: Identity;
}

export interface AuthorizationVerdict {
  readonly allowed: boolean;
  /** Name or index of the rule that decided; `undefined`: the default action. */
  readonly rule: string | undefined;
}

type Condition = (request: AuthorizationRequest) => boolean;
type Action = AuthorizationRule["action"];

/** Throws an error for a network, path or pattern that is malformed. */
export function compileAuthorization({
  and = [],
  ...first
}: Authorization): (request: AuthorizationRequest) => AuthorizationVerdict {
  const decisions = [first, ...and].map(compileDecision);
  return (request) => {
    let verdict: AuthorizationVerdict | undefined;
    for (const decide of decisions) {
      const next = decide(request);
      if (!next.allowed) return next;
      // Of several that allow, the first is the one to name.
      verdict ??= next;
    }
    return verdict!;
  };
}

function compileDecision(
  authorization: Omit<Authorization, "and">,
): (request: AuthorizationRequest) => AuthorizationVerdict {
  const rules = authorization.rules.map((rule, index) => ({
    name: rule.name ?? String(index),
    action: rule.action,
    conditions: compileRule(rule),
  }));
  const ordered = [
    ...rules.filter(({ action }) => action === "Deny"),
    ...rules.filter(({ action }) => action === "Allow"),
  ];
  const hasAllow = rules.some(({ action }) => action === "Allow");
  const allowedByDefault = (authorization.defaultAction ?? (hasAllow ? "Deny" : "Allow")) === "Allow";
  return (request) => {
    const decisive = ordered.find(({ conditions }) => conditions.every((holds) => holds(request)));
    return { allowed: decisive ? decisive.action === "Allow" : allowedByDefault, rule: decisive?.name };
  };
}

/** Whether one of the rules matches; where that is not certain, it does. Throws as `compileAuthorization` does. */
export function compileRequestRules(
  rules: readonly RequestRule[],
): (request: AuthorizationRequest) => boolean {
  const compiled = rules.map((rule) => compileRule({ ...rule, action: "Deny" }));
  return (request) => compiled.some((conditions) => conditions.every((holds) => holds(request)));
}

function compileRule({ action, principal, operation }: AuthorizationRule): Condition[] {
  const conditions: Condition[] = [...operationConditions(operation, action)];
  const { clientCIDRs, notClientCIDRs, jwt, notClaims, headers, notHeaders } = principal;
  if (clientCIDRs) conditions.push(networkCondition(clientCIDRs, true, action));
  if (notClientCIDRs) conditions.push(networkCondition(notClientCIDRs, false, action));
  conditions.push(
    ...valueConditions(principal.principals, principal.notPrincipals, ({ identity }) => identity.certificate),
    ...valueConditions(principal.requestPrincipals, principal.notRequestPrincipals, ({ identity }) =>
      requestPrincipal(identity),
    ),
    ...valueConditions(principal.clientIDs, undefined, ({ identity }) => identity.clientId),
    ...valueConditions(principal.users, undefined, ({ identity }) => identity.user),
  );
  if (jwt) conditions.push(...tokenConditions(jwt));
  for (const { name, values } of notClaims ?? []) {
    const matches = compileTextPatterns(values);
    conditions.push(({ identity }) => !claimValues(identity.token?.claims ?? {}, name).some(matches));
  }
  for (const { name, values } of headers ?? []) conditions.push(headerCondition(name, values, action));
  for (const { name, values } of notHeaders ?? []) {
    // What is not certain is read the other way round.
    const has = headerCondition(name, values, action === "Deny" ? "Allow" : "Deny");
    conditions.push((request) => !has(request));
  }
  return conditions;
}

function networkCondition(texts: readonly string[], expected: boolean, action: Action): Condition {
  const networks = parseNetworks(texts);
  return ({ clientAddress }) => {
    const address = parseIpAddress(clientAddress);
    return address ? inNetworks(networks, address) === expected : action === "Deny";
  };
}

function valueConditions(
  wanted: readonly string[] | undefined,
  unwanted: readonly string[] | undefined,
  read: (request: AuthorizationRequest) => string | undefined,
): Condition[] {
  const conditions: Condition[] = [];
  if (wanted) conditions.push(valueCondition(wanted, true, read));
  if (unwanted) conditions.push(valueCondition(unwanted, false, read));
  return conditions;
}

/** Someone who has proved nothing is not among those that a rule names, and so is among all others. */
function valueCondition(
  patterns: readonly string[],
  expected: boolean,
  read: (request: AuthorizationRequest) => string | undefined,
): Condition {
  const matches = compileTextPatterns(patterns);
  return (request) => {
    const value = read(request);
    return (value !== undefined && matches(value)) === expected;
  };
}

function tokenConditions({
  provider,
  scopes,
  claims,
}: NonNullable<AuthorizationRule["principal"]["jwt"]>): Condition[] {
  const conditions: Condition[] = [({ identity }) => identity.token !== undefined];
  if (provider !== undefined) conditions.push(({ identity }) => identity.token?.provider === provider);
  if (scopes) {
    conditions.push(({ identity }) => {
      const granted = tokenScopes(identity.token?.claims ?? {});
      return scopes.every((scope) => granted.has(scope));
    });
  }
  for (const { name, values } of claims ?? []) {
    const matches = compileTextPatterns(values);
    conditions.push(({ identity }) => claimValues(identity.token?.claims ?? {}, name).some(matches));
  }
  return conditions;
}

/** Lines of one name arrive joined with commas, and servers differ in which of them they take. */
function headerCondition(name: string, values: readonly string[], action: Action): Condition {
  const matches = compileTextPatterns(values);
  const lowerCase = name.toLowerCase();
  return ({ head }) => {
    const value = head.header(lowerCase);
    if (value === null) return false;
    if (matches(value)) return true;
    return action === "Deny" && value.split(",").some((part) => matches(part.trim()));
  };
}

function operationConditions(operation: AuthorizationRule["operation"], action: Action): Condition[] {
  const { hosts, notHosts, methods, notMethods, paths, notPaths } = operation;
  const conditions: Condition[] = [...valueConditions(hosts, notHosts, ({ head }) => head.host)];
  if (methods) conditions.push(({ head }) => methods.some((method) => method === head.method));
  if (notMethods) conditions.push(({ head }) => !notMethods.some((method) => method === head.method));
  if (paths) conditions.push(pathCondition(paths, true, action));
  if (notPaths) conditions.push(pathCondition(notPaths, false, action));
  return conditions;
}

/** Servlet containers read `/admin;x/keys` as `/admin/keys` (docs/paths.md). */
function pathCondition(
  paths: NonNullable<AuthorizationRule["operation"]["paths"]>,
  expected: boolean,
  action: Action,
): Condition {
  const matchers = paths.map((path) => compilePathMatcher(path, compilePattern));
  const holds = (path: string): boolean =>
    matchers.some((matcher) => pathMatches(matcher, path)) === expected;
  return ({ head: { path } }) => {
    if (!path.includes(";")) return holds(path);
    const bare = normalizePath(path.replace(/;[^/]*/g, "")) ?? "/";
    return action === "Deny" ? holds(path) || holds(bare) : holds(path) && holds(bare);
  };
}
