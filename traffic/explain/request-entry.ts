// The entry of the data path without a gateway: who asks, on which listener, for which host and path.
import { limits } from "#contract/limits.ts";
import { reservedPrefix } from "#contract/reserved-path.ts";
import type { Snapshot, SnapshotListener } from "#contract/snapshot.ts";
import { compileClientDetection } from "../forwarding/forwarded.ts";
import { parseHost } from "../match/host.ts";
import { compileListeners, schemeOf } from "../match/listener-table.ts";
import { normalizePath } from "../match/path.ts";
import { countEndpointsUp, type RunTime } from "./explain-backends.ts";
import type { RedirectedRequest } from "../filter/redirect.ts";
import type { RequestHead } from "../match/request-head.ts";

export interface ExplainedRequest {
  readonly method: string;
  readonly url: URL;
  /** Path and query as they are sent; `URL` would have changed them. */
  readonly target: string;
  /** By lower-case name. */
  readonly headers: ReadonlyMap<string, string>;
  /** Address that connects to the gateway. */
  readonly peerAddress: string;
  /** Address of the machine that it connects to. Absent: one that no listener names. */
  readonly localAddress?: string;
}

/** What is known of a request before a rule is asked. */
export interface RequestEntry {
  readonly client: string;
  readonly host?: string;
  readonly path?: string;
  readonly listener?: SnapshotListener;
  /** Port that the client asked. */
  readonly port: number;
  /** Why the request goes no further. Absent if and only if there is a head. */
  readonly refusal?: string;
  readonly head?: RequestHead;
}

/** To be made once per snapshot. */
export function createEntry(
  snapshot: Snapshot,
  runTime: RunTime = {},
): (request: ExplainedRequest) => RequestEntry {
  const { settings, listeners } = snapshot;
  const endpointsUp = countEndpointsUp(snapshot, runTime);
  const detect = compileClientDetection(settings.clientIPDetection);
  const detectAt = new Map(
    listeners.flatMap(({ name, clientIPDetection }) =>
      clientIPDetection ? [[name, compileClientDetection(clientIPDetection)] as const] : [],
    ),
  );
  const table = compileListeners(listeners);
  return ({ url, headers, method, target, peerAddress, localAddress }) => {
    const header = (name: string): string | null => headers.get(name) ?? null;
    const client = detect(peerAddress, header("x-forwarded-for")).clientAddress;
    const port = portOf(url);
    const parsed = parseHost(header("host") ?? url.host);
    if (!parsed) return { client, port, refusal: "host_malformed: the Host is not a host name" };
    if (url.href.length > limits.requestTargetChars) return { client, port, refusal: "uri_too_long" };
    const [rawPath, query] = splitTarget(target);
    const path = normalizePath(rawPath);
    if (path === undefined) {
      return { client, port, refusal: "path_malformed: the path is not well formed" };
    }
    const host = parsed.hostname;
    const scheme = url.protocol === "https:" ? "https" : "http";
    const socket = localAddress === undefined ? undefined : { address: localAddress };
    const listener = table.find(socket, scheme, port, host);
    const detectHere = listener && detectAt.get(listener.name);
    const here = detectHere?.(peerAddress, header("x-forwarded-for")).clientAddress ?? client;
    const known = { client: here, port, host, path };
    if (!listener) return { ...known, refusal: `no listener for ${url.protocol}//…:${port}` };
    if (path.startsWith(reservedPrefix)) return { ...known, listener, refusal: "reserved path" };
    return {
      ...known,
      listener,
      head: {
        method,
        host,
        path,
        query,
        clientAddress: here,
        claims: {},
        // What a client of this URL asks for in its handshake.
        ...(scheme === "https" && { serverName: url.hostname }),
        endpointsUp,
        header,
      },
    };
  };
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

function splitTarget(target: string): [path: string, query: string] {
  const start = target.indexOf("?");
  return start < 0 ? [target || "/", ""] : [target.slice(0, start) || "/", target.slice(start + 1)];
}

/** The request as filters see it that put texts together from it. */
export function filteredRequest(
  head: RequestHead,
  listener: SnapshotListener,
  port: number,
): RedirectedRequest {
  const { method, host, path, query, serverName, clientAddress = "unknown" } = head;
  const authority = head.header("host") ?? host;
  const header = (name: string): string | null => head.header(name);
  const scheme = schemeOf(listener);
  return { scheme, authority, host, port, method, path, query, serverName, clientAddress, header };
}
