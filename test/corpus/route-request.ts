// Where a snapshot sends a request, without a gateway: matcher, filters, redirects.
import { countEndpointsUp } from "#traffic/explain/explain-backends.ts";
import type { SecurityPolicy } from "#contract/security-policy.ts";
import type { Snapshot } from "#contract/snapshot.ts";
import { compileAuthorization } from "#traffic/access/authorization.ts";
import { compileClientNetworks } from "#traffic/access/client-networks.ts";
import { compileShownCookies } from "#traffic/balance/shown-cookies.ts";
import { combinePlans, compileFilters, type FilterPlan } from "#traffic/filter/compile.ts";
import { applyHeaderOperations } from "#traffic/filter/header-operations.ts";
import type { LocalResponse } from "#traffic/filter/local-response.ts";
import { redirectLocation, type RedirectedRequest } from "#traffic/filter/redirect.ts";
import { targetText } from "#traffic/filter/target.ts";
import { compileListeners } from "#traffic/match/listener-table.ts";
import { parseHost } from "#traffic/match/host.ts";
import { compileMatcher, type RuleMatch } from "#traffic/match/matcher.ts";
import { compilePattern } from "#traffic/match/pattern/pattern.ts";
import { normalizePath } from "#traffic/match/path.ts";
import type { RequestHead } from "#traffic/match/request-head.ts";
import { answerText, hostOf, locationText, seenText, type TableRequest } from "./request-table.ts";

/** The result of each request, as its table writes it. */
export function createRouter(snapshot: Snapshot): (request: TableRequest) => string {
  const matcher = compileMatcher(snapshot);
  const listeners = compileListeners(snapshot.listeners);
  return (request) => {
    const port = Number(request.url.port) || (request.url.protocol === "https:" ? 443 : 80);
    const protocol = request.url.protocol === "https:" ? "HTTPS" : "HTTP";
    if (!snapshot.listeners.some((one) => one.port === port && one.protocol === protocol))
      return "no listener";
    const head = headOf(request, countEndpointsUp(snapshot, {}));
    if (typeof head === "string") return head;
    const scheme = protocol === "HTTPS" ? "https" : "http";
    const match = matcher.match(listeners.find(undefined, scheme, port, head.host)!.name, head);
    return match ? resultOf(match, head, request, port) : "404";
  };
}

function headOf(
  request: TableRequest,
  endpointsUp: (backend: string) => number | undefined,
): RequestHead | "400" {
  const [rawPath, query = ""] = request.target.split(/\?(.*)/s) as [string, string?];
  const path = normalizePath(rawPath);
  const host = parseHost(hostOf(request))?.hostname;
  if (path === undefined || host === undefined) return "400";
  const headers: Record<string, string> = {
    ...request.headers,
    host: hostOf(request),
    ...(request.bodyBytes > 0 && { "content-length": String(request.bodyBytes) }),
  };
  return {
    method: request.method,
    host,
    path,
    query,
    clientAddress: request.client,
    claims: {},
    endpointsUp,
    header: (name) => headers[name] ?? null,
  };
}

/** Nobody proves anything, since tables have no tokens and certificates; who shows a password is taken for one who knows it. */
function refusalOf(
  { clientCertificate, basicAuth, authorization }: SecurityPolicy,
  head: RequestHead,
  request: TableRequest,
): string | undefined {
  const { mode, subject, redirect } = clientCertificate ?? {};
  if (mode === "AllowValidOnly") return redirect === undefined ? "400" : `302 ${redirect}`;
  if (subject !== undefined && !compilePattern(subject).test("")) return "403";
  if (basicAuth && head.header("authorization") === null) return "401";
  if (!authorization) return undefined;
  const decide = compileAuthorization(authorization);
  return decide({ head, clientAddress: request.client, identity: {} }).allowed ? undefined : "403";
}

function withNewStatus(response: LocalResponse, plan: FilterPlan): LocalResponse {
  const page = plan.responseOverrides?.(response.status, false, new Headers());
  return page && "newStatus" in page ? { ...response, status: page.newStatus } : response;
}

function resultOf(match: RuleMatch, head: RequestHead, request: TableRequest, listenerPort: number): string {
  const { rule, route, prefixChars } = match;
  const security = rule.securityPolicy ?? route.securityPolicy ?? {};
  const [ref] = rule.backendRefs;
  const rulePlan = compileFilters(rule.filters);
  const plan = ref ? combinePlans(rulePlan, compileFilters(ref.filters)) : rulePlan;
  const { path, query, host } = head;
  const asked: RedirectedRequest = {
    clientAddress: request.client,
    scheme: request.url.protocol === "https:" ? "https" : "http",
    authority: hostOf(request),
    host,
    port: listenerPort,
    method: request.method,
    path,
    query,
    header: (name) => head.header(name),
  };
  const { clientCIDRs, requestLimits } = security;
  if (clientCIDRs && !compileClientNetworks(clientCIDRs)(request.client)) return "403";
  if (requestLimits && request.bodyBytes > requestLimits.bodyBytes) {
    const page = plan.responseOverrides?.(413, false, new Headers());
    return page && "headers" in page ? localText(page, asked, request) : "413";
  }
  const refusal = refusalOf(security, head, request);
  if (refusal !== undefined) return refusal;
  if (plan.fault?.abort) {
    const { status } = plan.fault.abort.answer;
    const page = plan.responseOverrides?.(status, false, new Headers());
    return page && "headers" in page ? localText(page, asked, request) : String(status);
  }
  if (plan.redirect) {
    const location = redirectLocation(plan.redirect, asked, prefixChars);
    return `${plan.redirect.statusCode} ${locationText(location, request)}`;
  }
  if (plan.directResponse) return localText(withNewStatus(plan.directResponse, plan), asked, request);
  if (plan.statistics) return "200";
  if (!ref?.backend) return "500";
  const sent = new Headers(request.headers);
  const session = rule.sessionPersistence;
  const cookies = sent.get("cookie");
  const shown = session && compileShownCookies(session);
  if (shown && cookies !== null) {
    const others = shown(cookies);
    if (others === null) sent.delete("cookie");
    else sent.set("cookie", others);
  }
  applyHeaderOperations(plan.requestHeaders, sent, asked);
  const answer = new Headers();
  applyHeaderOperations(plan.responseHeaders, answer, asked, 200);
  // Servers of tests answer 200.
  const replacement = plan.responseOverrides?.(200, true, new Headers());
  if (replacement && "headers" in replacement) return localText(replacement, asked, request);
  const changed = [
    ...Object.keys(request.headers),
    ...(plan.requestHeaders ?? []).map(({ name }) => name),
  ].map((name) => [name, sent.get(name)] as const);
  const newPath = plan.rewrite?.path?.(path, prefixChars) ?? path;
  const target = plan.rewrite?.target?.(asked) ?? { path: newPath, query };
  return seenText(request, {
    backend: ref.backend,
    target: targetText(target),
    // The gateway forwards host names in lower case.
    host: plan.rewrite?.hostname ?? hostOf(request).toLowerCase(),
    requestHeaders: Object.fromEntries(changed),
    responseHeaders: Object.fromEntries(
      (plan.responseHeaders ?? []).map(({ name }) => [name, answer.get(name)]),
    ),
  });
}

function localText(
  { status, headers, body }: LocalResponse,
  asked: RedirectedRequest,
  request: TableRequest,
): string {
  const made = new Headers();
  applyHeaderOperations(headers, made, asked);
  const location = made.get("location");
  if (location !== null) return `${status} ${locationText(location, request)}`;
  const text = typeof body === "function" ? body(asked) : (body ?? "");
  return answerText(request.method, status, made.get("content-type") ?? "", text);
}
