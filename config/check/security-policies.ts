// Access control that contradicts itself, or that lets others pass than its author meant.
import { passwordHashProblem } from "#contract/password-hash.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { Authorization, RequestRule } from "#contract/security-policy.ts";
import { isCidr } from "../native/address.ts";
import { nearestName } from "../native/nearest-name.ts";
import type { NativeBackend } from "../native/schema.ts";
import type { NativeSecurityPolicy } from "../native/security-policy.ts";
import { connectionRoutes } from "../rule.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";

export const securityPolicies: Check = (config, report) => {
  const backends: Backends = new Map(config.backends.map((backend) => [backend.name, backend]));
  for (const { list, index, route } of connectionRoutes(config)) {
    if (route.securityPolicy)
      checkPolicy(route.securityPolicy, backends, [list, index, "securityPolicy"], report);
  }
  for (const [routeIndex, route] of config.routes.entries()) {
    const path = ["routes", routeIndex, "securityPolicy"];
    if (route.securityPolicy) {
      checkPolicy(route.securityPolicy, backends, path, report);
      checkAuthorizationHeader(route.securityPolicy, path, report);
    }
    for (const [ruleIndex, { securityPolicy }] of route.rules.entries()) {
      if (!securityPolicy) continue;
      const rulePath = ["routes", routeIndex, "rules", ruleIndex, "securityPolicy"];
      const whole = securityPolicy.inherit ? { ...route.securityPolicy, ...securityPolicy } : securityPolicy;
      checkPolicy(securityPolicy, backends, rulePath, report);
      checkAuthorizationHeader(whole, rulePath, report);
    }
  }
};

function checkPolicy(policy: NativeSecurityPolicy, backends: Backends, path: Path, report: Report): void {
  const { clientCIDRs, jwt, apiKeyAuth, authorization, extAuth } = policy;
  checkHashes(policy, path, report);
  checkNetworks(clientCIDRs?.allow, [...path, "clientCIDRs", "allow"], report);
  checkNetworks(clientCIDRs?.deny, [...path, "clientCIDRs", "deny"], report);
  const names = new Set<string>();
  for (const [index, provider] of (jwt?.providers ?? []).entries()) {
    checkProvider(provider, names, [...path, "jwt", "providers", index], report);
  }
  const places = apiKeyAuth && Object.values(apiKeyAuth.extractFrom);
  if (places?.every((list) => list.length === 0)) {
    report.add({
      code: "security-policy-invalid",
      path: [...path, "apiKeyAuth", "extractFrom"],
      message: "expected at least one header, query parameter or cookie to take the key from",
    });
  }
  for (const { decision, at } of decisionsOf(authorization)) {
    const decisionPath = [...path, "authorization", ...at];
    for (const [index, rule] of decision.rules.entries()) {
      checkRule(rule, names, [...decisionPath, "rules", index], jwt !== undefined, report);
    }
    checkDefaultAction(decision, decisionPath, report);
  }
  for (const [index, rule] of (extAuth?.rules ?? []).entries()) {
    checkRule(rule, names, [...path, "extAuth", "rules", index], jwt !== undefined, report);
  }
  if (!extAuth) return;
  checkPositive(extAuth.timeout, [...path, "extAuth", "timeout"], report);
  checkServer(extAuth, backends, [...path, "extAuth"], report);
}

type Backends = ReadonlyMap<string, NativeBackend>;

function checkServer(
  { http, grpc }: NonNullable<NativeSecurityPolicy["extAuth"]>,
  backends: Backends,
  path: Path,
  report: Report,
): void {
  if ((http === undefined) === (grpc === undefined)) {
    const message = "expected http or grpc, one of them: whom to ask";
    report.add({ code: "security-policy-invalid", path, message });
  }
  if (!grpc) return;
  const { name } = grpc.backendRef;
  const at = [...path, "grpc", "backendRef", "name"];
  const backend = backends.get(name);
  if (!backend) {
    const near = nearestName(name, [...backends.keys()]);
    const remedy =
      near === undefined ? "Add the backend, or correct the name." : `Did you mean ${JSON.stringify(near)}?`;
    const message = `no backend is named ${JSON.stringify(name)}`;
    report.add({ code: "reference-unknown", path: at, message, remedy });
  } else if (backend.protocol !== "GRPC" && backend.protocol !== "GRPCS") {
    const message = `backend ${JSON.stringify(name)} speaks ${backend.protocol}; the authorization server is called over gRPC`;
    report.add({
      code: "backend-protocol",
      path: at,
      message,
      remedy: "Set the backend's protocol to GRPC or GRPCS.",
    });
  }
}

function decisionsOf(
  authorization: NativeSecurityPolicy["authorization"],
): { decision: Omit<Authorization, "and">; at: Path }[] {
  if (!authorization) return [];
  const { and = [], ...first } = authorization;
  return [{ decision: first, at: [] }, ...and.map((decision, index) => ({ decision, at: ["and", index] }))];
}

/** Findings never repeat what stands there: it may be the secret itself. */
function checkHashes({ basicAuth, apiKeyAuth }: NativeSecurityPolicy, path: Path, report: Report): void {
  for (const [index, line] of (basicAuth?.users ?? []).entries()) {
    const message = passwordHashProblem(line);
    if (message === undefined) continue;
    report.add({
      code: "security-hash-invalid",
      path: [...path, "basicAuth", "users", index],
      message,
      remedy: "docs/access-control.md shows how to make one.",
    });
  }
  for (const [index, { sha256 }] of (apiKeyAuth?.credentials ?? []).entries()) {
    if (/^[0-9a-f]{64}$/.test(sha256)) continue;
    report.add({
      code: "security-hash-invalid",
      path: [...path, "apiKeyAuth", "credentials", index, "sha256"],
      message: "expected the SHA-256 hash of the key as 64 lower-case hex digits",
      remedy: "Make it with: printf %s KEY | sha256sum",
    });
  }
}

type Provider = NonNullable<NativeSecurityPolicy["jwt"]>["providers"][number];

function checkProvider(provider: Provider, names: Set<string>, path: Path, report: Report): void {
  const { name, remoteJWKS, localJWKS } = provider;
  if (names.has(name)) {
    const message = `another provider of this policy is already named ${JSON.stringify(name)}`;
    report.add({ code: "name-duplicate", path: [...path, "name"], message });
  }
  names.add(name);
  if ((remoteJWKS === undefined) === (localJWKS === undefined)) {
    report.add({
      code: "security-policy-invalid",
      path,
      message: "expected keys from remoteJWKS or from localJWKS, one of them",
    });
  }
  if (remoteJWKS) checkPositive(remoteJWKS.cacheDuration, [...path, "remoteJWKS", "cacheDuration"], report);
  if (remoteJWKS?.uri.startsWith("http:")) {
    report.add({
      code: "security-jwks-plain",
      path: [...path, "remoteJWKS", "uri"],
      message: "keys fetched without TLS can be replaced on the way",
      remedy: "Use https, unless the network between is trusted.",
    });
  }
  const from = provider.extractFrom;
  if (from && Object.values(from).every((list) => list.length === 0)) {
    report.add({
      code: "security-policy-invalid",
      path: [...path, "extractFrom"],
      message: "expected at least one header, query parameter or cookie to take the token from",
    });
  }
}

function checkRule(
  rule: RequestRule,
  providers: ReadonlySet<string>,
  path: Path,
  hasJwt: boolean,
  report: Report,
): void {
  const { principal, operation } = rule;
  checkNetworks(principal.clientCIDRs, [...path, "principal", "clientCIDRs"], report);
  checkNetworks(principal.notClientCIDRs, [...path, "principal", "notClientCIDRs"], report);
  const provider = principal.jwt?.provider;
  // A rule's own policy may rely on providers of the route.
  if (provider !== undefined && hasJwt && !providers.has(provider)) {
    const message = `no provider of this policy is named ${JSON.stringify(provider)}`;
    report.add({ code: "reference-unknown", path: [...path, "principal", "jwt", "provider"], message });
  }
  for (const key of ["paths", "notPaths"] as const) {
    for (const [index, { type, value }] of (operation[key] ?? []).entries()) {
      if (type !== "RegularExpression") continue;
      const message = patternError(value);
      const at = [...path, "operation", key, index, "value"];
      if (message !== undefined) report.add({ code: "match-regex-invalid", path: at, message });
    }
  }
}

function checkDefaultAction(
  { defaultAction, rules }: Omit<Authorization, "and">,
  path: Path,
  report: Report,
): void {
  const allows = rules.some(({ action }) => action === "Allow");
  if (defaultAction !== "Allow" || !allows) return;
  report.add({
    code: "security-policy-invalid",
    path: [...path, "defaultAction"],
    message:
      "with defaultAction Allow the Allow rules decide nothing: whatever no Deny rule matches is allowed",
    remedy: "Remove defaultAction, or the Allow rules.",
  });
}

/** One header cannot carry two credentials. */
function checkAuthorizationHeader(
  { basicAuth, jwt, apiKeyAuth }: NativeSecurityPolicy,
  path: Path,
  report: Report,
): void {
  const isAuthorization = (name: string): boolean => name.toLowerCase() === "authorization";
  const bearer = jwt?.providers.some(
    ({ extractFrom }) => !extractFrom || extractFrom.headers.some(({ name }) => isAuthorization(name)),
  );
  const only = (places: NonNullable<typeof apiKeyAuth>["extractFrom"]): boolean =>
    places.headers.length > 0 &&
    places.headers.every(isAuthorization) &&
    places.params.length + places.cookies.length === 0;
  const users = [
    basicAuth && "basicAuth",
    bearer && "jwt",
    apiKeyAuth && only(apiKeyAuth.extractFrom) && "apiKeyAuth",
  ];
  const both = users.filter((user) => typeof user === "string");
  if (both.length < 2) return;
  report.add({
    code: "security-policy-invalid",
    path,
    message: `${both.join(" and ")} both want the Authorization header, and no request can satisfy both`,
    remedy: "Take one of them from another header, or give them rules of their own.",
  });
}

function checkNetworks(networks: readonly string[] | undefined, path: Path, report: Report): void {
  for (const [index, network] of (networks ?? []).entries()) {
    if (isCidr(network)) continue;
    const message = `expected a network such as 10.0.0.0/8 or 2001:db8::/32; found ${JSON.stringify(network)}`;
    report.add({ code: "match-network-invalid", path: [...path, index], message });
  }
}

function checkPositive(duration: string, path: Path, report: Report): void {
  if (!/^(?:0+(?:h|ms|m|s))+$/.test(duration)) return;
  report.add({
    code: "duration-range",
    path,
    message: `expected a duration longer than 0s; found ${duration}`,
  });
}
