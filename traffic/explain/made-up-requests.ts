// Requests that a snapshot's own rules suggest, for comparisons without a sample of real ones: for each host and match
// one that it takes, and its neighbours just outside.
import type { HeaderMatch, RouteMatch } from "#contract/http-route.ts";
import type { Snapshot, SnapshotListener, SnapshotRoute } from "#contract/snapshot.ts";
import { isLayer4 } from "#contract/snapshot.ts";
import { schemeOf } from "../match/listener-table.ts";
import type { ExplainedRequest } from "./request-entry.ts";

/** Stands for the part that a wildcard, or no host name at all, leaves open. */
const anyLabel = "any";
/** Of a path: none that a rule would name. */
const anyElement = "any-other";

/**
 * Each once, in no particular order: for each host and match its paths and their neighbours, by every method that any rule
 * names and one that none does, with the match's headers and without. Regular expressions suggest no path: their rules
 * are only asked by others' requests.
 */
export function* madeUpRequests(snapshots: readonly Snapshot[]): Generator<ExplainedRequest> {
  const methods = methodsOf(snapshots);
  const seen = new Set<string>();
  for (const { listeners, routes } of snapshots) {
    for (const listener of listeners) {
      if (isLayer4(listener)) continue;
      for (const route of routes) {
        if (!route.listeners.includes(listener.name)) continue;
        const at = listener.addresses && { localAddress: listener.addresses[0]! };
        for (const made of requestsOf(listener, route, methods)) {
          const request = { ...made, ...at };
          const key = JSON.stringify([
            request.method,
            request.url.origin,
            request.target,
            [...request.headers],
            request.localAddress,
          ]);
          if (seen.has(key)) continue;
          seen.add(key);
          yield request;
        }
      }
    }
  }
}

function methodsOf(snapshots: readonly Snapshot[]): string[] {
  const rules = snapshots.flatMap(({ routes }) => routes.flatMap((route) => route.rules));
  const named = new Set<string>(
    rules.flatMap(({ matches }) => matches.flatMap(({ method }) => method ?? [])),
  );
  const other = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"].find((method) => !named.has(method));
  return other === undefined ? [...named] : [...named, other];
}

function* requestsOf(
  listener: SnapshotListener,
  route: SnapshotRoute,
  methods: readonly string[],
): Generator<ExplainedRequest> {
  const names = route.hostnames.length > 0 ? route.hostnames : listener.hostnames;
  for (const name of names.length > 0 ? names : [`${anyLabel}.example`]) {
    const host = name.replace(/^\*/, anyLabel).toLowerCase();
    const origin = `${schemeOf(listener)}://${host}:${listener.port}`;
    for (const match of route.rules.flatMap(({ matches }) => matches)) {
      const bare: RouteMatch = { path: match.path, headers: [], queryParams: [] };
      for (const target of targetsOf(match)) {
        for (const method of methods) {
          yield requestOf(match, origin, target, method);
          yield requestOf(bare, origin, target, method);
        }
      }
    }
  }
}

function targetsOf({ path: { type, value }, queryParams }: RouteMatch): string[] {
  if (type === "RegularExpression") return ["/"];
  const bare = value.replace(/\/$/, "");
  const paths =
    type === "Exact"
      ? [value, `${bare}/${anyElement}`]
      : [bare || "/", `${bare}/${anyElement}`, ...(bare ? [`${bare}${anyElement}`] : [])];
  const query = queryParams.flatMap(({ name, type: kind, value: wanted }) =>
    kind === "Absent" ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(wanted || "1")}`],
  );
  return query.length === 0 ? paths : [...paths.map((path) => `${path}?${query.join("&")}`), ...paths];
}

function requestOf(match: RouteMatch, origin: string, target: string, method: string): ExplainedRequest {
  const headers = new Map<string, string>();
  for (const header of match.headers)
    if (header.type !== "Absent") headers.set(header.name.toLowerCase(), textOf(header));
  const cookies = (match.cookies ?? []).filter(({ type }) => type !== "Absent");
  if (cookies.length > 0)
    headers.set("cookie", cookies.map((cookie) => `${cookie.name}=${textOf(cookie)}`).join("; "));
  const peerAddress = match.clientCIDRs?.[0]?.split("/")[0] ?? "192.0.2.1";
  return { method, url: new URL(origin), target, headers, peerAddress };
}

function textOf({ value }: Pick<HeaderMatch, "value">): string {
  return value || "1";
}
