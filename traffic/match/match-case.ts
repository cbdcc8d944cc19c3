// Short ways to write snapshots and requests in tests of the matcher.
import { type RouteMatch, routeMatchSchema } from "#contract/http-route.ts";
import type { Snapshot, SnapshotRoute } from "#contract/snapshot.ts";
import type { RequestHead } from "./request-head.ts";
import type { z } from "zod";

export type MatchInput = z.input<typeof routeMatchSchema>;

export interface RouteInput {
  readonly name: string;
  readonly creationTimestamp?: string;
  readonly hostnames?: string[];
  readonly listeners?: string[];
  /** Matches of each rule. */
  readonly rules: MatchInput[][];
  /** Of each rule; absent: 0. */
  readonly priorities?: number[];
}

export interface RequestInput {
  readonly listener?: string;
  readonly method?: string;
  readonly host?: string;
  /** Path, with `?query` if any. */
  readonly target: string;
  readonly headers?: Record<string, string>;
  readonly client?: string;
}

/** A snapshot with listeners `web` (any host) and `secure` (given hosts). */
export function snapshotOf(routes: readonly RouteInput[], secureHostnames: string[] = []): Snapshot {
  return {
    format: 1,
    listeners: [
      { name: "web", protocol: "HTTP", port: 80, hostnames: [] },
      { name: "secure", protocol: "HTTPS", port: 443, hostnames: secureHostnames },
    ],
    routes: routes.map(routeOf),
    backends: [],
    settings: {
      clientIPDetection: { numTrustedHops: 0, trustedCIDRs: [] },
      accessLog: { mode: "off" },
    },
  } as Snapshot;
}

function routeOf(input: RouteInput): SnapshotRoute {
  const {
    name,
    creationTimestamp,
    hostnames = [],
    listeners = ["web", "secure"],
    rules,
    priorities = [],
  } = input;
  return {
    name,
    ...(creationTimestamp !== undefined && { creationTimestamp }),
    listeners,
    hostnames,
    rules: rules.map((matches, index) => ({
      id: `${name}/${index}`,
      matches: matches.map((match): RouteMatch => routeMatchSchema.parse(match)),
      ...(priorities[index] !== undefined && { priority: priorities[index] }),
      filters: [],
      backendRefs: [],
      timeouts: {},
    })),
  };
}

export function headOf(request: RequestInput): RequestHead {
  const { method = "GET", host = "example.com", target, headers = {}, client = "203.0.113.9" } = request;
  const [path, query = ""] = target.split("?", 2) as [string, string?];
  return { method, host, path, query, clientAddress: client, header: (name) => headers[name] ?? null };
}
