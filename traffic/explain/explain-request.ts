// What the gateway would do with a request, step by step, by the code of the data path: listener, client, rule, policies,
// filters, backend and endpoint. Pure: nothing is sent, and no quota is spent.
import type { Administration } from "#contract/administration.ts";
import { limits } from "#contract/limits.ts";
import { reservedPrefix } from "#contract/reserved-path.ts";
import type { Snapshot, SnapshotListener } from "#contract/snapshot.ts";
import { compileClientDetection } from "../forwarding/forwarded.ts";
import { explainMatch, type MatchExplanation } from "../match/explain.ts";
import { parseHost } from "../match/host.ts";
import { compileListeners, schemeOf } from "../match/listener-table.ts";
import { normalizePath } from "../match/path.ts";
import type { RequestHead } from "../match/request-head.ts";
import { type BackendExplanation, explainBackends } from "./explain-backends.ts";
import { explainFilters, type FilterExplanation } from "./explain-filters.ts";
import { explainPolicies, type PolicyExplanation } from "./explain-policies.ts";

export interface ExplainedRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they are sent; `URL` would have changed them. */
  readonly target: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Address that connects to the gateway. */
  readonly peerAddress: string;
}

/** What is so at run time; absent parts: every endpoint is healthy, nobody has administered any. */
export interface RunTime {
  /** Keys of endpoints. */
  readonly unhealthy?: ReadonlySet<string>;
  readonly administration?: Administration;
}

export interface Explanation {
  readonly listener?: string;
  readonly client: string;
  readonly host?: string;
  readonly path?: string;
  /** Why the request goes no further, where it is refused before a rule is asked. */
  readonly refusal?: string;
  readonly route?: string;
  readonly rule?: string;
  readonly match?: MatchExplanation;
  readonly policies: readonly PolicyExplanation[];
  readonly filters: readonly FilterExplanation[];
  /** Empty where a filter answers by itself. */
  readonly backends: readonly BackendExplanation[];
}

export function explainRequest(
  snapshot: Snapshot,
  request: ExplainedRequest,
  runTime: RunTime = {},
): Explanation {
  const { url, headers, method, target } = request;
  const header = (name: string): string | null => headers.get(name) ?? null;
  const detect = compileClientDetection(snapshot.settings.clientIPDetection);
  const client = detect(request.peerAddress, header("x-forwarded-for")).clientAddress;
  const nothing = { client, policies: [], filters: [], backends: [] };
  const host = parseHost(header("host") ?? url.host);
  if (!host) return { ...nothing, refusal: "host_malformed: the Host is not a host name" };
  if (url.href.length > limits.requestTargetChars) return { ...nothing, refusal: "uri_too_long" };
  const [rawPath = "/", query = ""] = splitTarget(target);
  const path = normalizePath(rawPath);
  if (path === undefined) return { ...nothing, refusal: "path_malformed: the path is not well formed" };
  const at = { ...nothing, host: host.hostname, path };
  const listener = listenerOf(snapshot, url, host.hostname);
  if (!listener) return { ...at, refusal: `no listener for ${url.protocol}//…:${portOf(url)}` };
  if (path.startsWith(reservedPrefix)) return { ...at, listener: listener.name, refusal: "reserved path" };
  const head: RequestHead = { method, host: host.hostname, path, query, clientAddress: client, header };
  const match = explainMatch(snapshot, listener.name, head);
  const found = { ...at, listener: listener.name, match };
  const { winner } = match;
  if (!winner) return { ...found, refusal: `route_not_found: ${match.refusal ?? "no rule matches"}` };
  const filters = explainFilters(winner, {
    scheme: schemeOf(listener),
    host: host.hostname,
    path,
    query,
    listenerPort: portOf(url),
    prefixChars: winner.prefixChars,
  });
  const answered = filters.some(({ answers }) => answers);
  return {
    ...found,
    route: winner.route.name,
    rule: winner.rule.id,
    policies: explainPolicies(winner, head, client),
    filters,
    backends: answered ? [] : explainBackends(snapshot, winner.rule, head, runTime),
  };
}

function listenerOf({ listeners }: Snapshot, url: URL, host: string): SnapshotListener | undefined {
  const scheme = url.protocol === "https:" ? "https" : "http";
  return compileListeners(listeners).find(undefined, scheme, portOf(url), host);
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function splitTarget(target: string): [string, string] {
  const start = target.indexOf("?");
  return start < 0 ? [target || "/", ""] : [target.slice(0, start) || "/", target.slice(start + 1)];
}
