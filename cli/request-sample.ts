// Samples of requests that people have: access logs, and heads written down by hand. One request a line:
//
//   {"method":"GET","host":"api.example.com","path":"/orders/7","client":"203.0.113.9"}     our access log, and others
//   203.0.113.9:0 [06/Feb/2026:12:14:14.655] web api/10.0.0.1:80 … "GET /orders/7 HTTP/1.1"  HAProxy httplog
//   203.0.113.9 - - [06/Feb/2026:12:14:14 +0000] "GET /orders/7 HTTP/1.1" 200 12 …           Combined Log Format
//   api.example.com 203.0.113.9 - - [06/Feb/2026:12:14:14 +0000] "GET /orders/7 HTTP/1.1" …  the same with the host in front
//   [2026-02-06T12:14:14.655Z] "GET /orders/7 HTTP/1.1" 200 - … "203.0.113.9" … "api.example.com" "10.0.0.1:80"    Envoy
//   GET https://api.example.com/orders/7 [cookie: a=1] [from: 203.0.113.9]                    a head
import type { SnapshotListener } from "#contract/snapshot.ts";
import type { ExplainedRequest } from "#traffic/explain/request-entry.ts";
import type { SampleRequest } from "#traffic/explain/traffic-diff.ts";

export interface SampleOptions {
  /** Host of lines that do not say one. Absent: such lines cannot be read. */
  readonly host?: string;
  /** Of the older configuration: logs name listeners, whose scheme and port the requests had. */
  readonly listeners: readonly SnapshotListener[];
}

/** Longest line that is read: a request's head has less. */
export const maxLineChars = 64 * 1024;
/** Requests that are kept to be counted together with equal ones. */
const maxKept = 10_000;

/** Empty lines and those that begin with `#` are skipped. Memory does not grow with the number of lines. */
export class RequestSample {
  /** Lines that are no request, as far as they have been read. */
  unreadable = 0;
  /** Number of the first of them. */
  firstUnreadable = 0;
  readonly #lines: Iterable<string>;
  readonly #options: SampleOptions;

  constructor(lines: Iterable<string>, options: SampleOptions) {
    this.#lines = lines;
    this.#options = options;
  }

  /** Equal requests are counted together, as long as not too many others come between. To be called once. */
  *requests(): Generator<SampleRequest> {
    const counts = new Map<string, { request: ExplainedRequest; count: number }>();
    let number = 0;
    for (const raw of this.#lines) {
      number += 1;
      const line = raw.length > maxLineChars ? "too long" : raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      const request = readLine(line, this.#options);
      if (!request) {
        this.unreadable += 1;
        this.firstUnreadable ||= number;
        continue;
      }
      const { method, url, target, headers, peerAddress, localAddress } = request;
      const key = JSON.stringify([method, url.origin, target, [...headers], peerAddress, localAddress]);
      const known = counts.get(key);
      if (known) known.count += 1;
      else counts.set(key, { request, count: 1 });
      if (counts.size < maxKept) continue;
      yield* counts.values();
      counts.clear();
    }
    yield* counts.values();
  }
}

interface Line {
  readonly method: string;
  /** Absolute URL, or path with query. */
  readonly target: string;
  readonly host?: string | undefined;
  readonly listener?: string | undefined;
  readonly client?: string | undefined;
  readonly headers?: ReadonlyMap<string, string>;
}

function readLine(text: string, options: SampleOptions): ExplainedRequest | undefined {
  const line = text.startsWith("{") ? jsonLine(text) : (logLine(text) ?? headLine(text));
  return line && requestOf(line, options);
}

function requestOf(line: Line, { host, listeners }: SampleOptions): ExplainedRequest | undefined {
  const listener = listeners.find(({ name }) => name === line.listener);
  const isAbsolute = /^https?:\/\//i.test(line.target);
  const name = line.host ?? host;
  if (!isAbsolute && (name === undefined || !line.target.startsWith("/"))) return undefined;
  const scheme = listener?.protocol === "HTTPS" ? "https" : "http";
  const port = listener && !name?.includes(":") ? `:${listener.port}` : "";
  try {
    const url = new URL(isAbsolute ? line.target : `${scheme}://${name}${port}${line.target}`);
    const target = isAbsolute ? (/^https?:\/\/[^/?]*([/?].*)?$/i.exec(line.target)?.[1] ?? "/") : line.target;
    return {
      method: line.method.toUpperCase(),
      url,
      target,
      headers: line.headers ?? new Map(),
      peerAddress: line.client ?? "192.0.2.1",
      ...(listener?.addresses && { localAddress: listener.addresses[0]! }),
    };
  } catch {
    return undefined;
  }
}

/** Names that access logs in JSON use for the same things. */
function jsonLine(text: string): Line | undefined {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    return undefined;
  }
  const field = (...names: string[]): string | undefined => {
    const value = names
      .map((name) => (fields as Record<string, unknown>)[name])
      .find((found) => typeof found === "string");
    return value as string | undefined;
  };
  const method = field("method", "request_method", "http_method", "verb");
  const target = field("url", "request_uri", "uri", "path", "target");
  if (method === undefined || target === undefined) return undefined;
  const host = field("host", "http_host", "authority", "server_name", ":authority");
  return {
    method,
    target,
    host,
    listener: field("listener"),
    client: field("client", "remote_addr", "client_ip"),
  };
}

function logLine(text: string): Line | undefined {
  const request = /"([A-Z]+) (\S+) HTTP\/[0-9.]+"/.exec(text);
  if (!request) return undefined;
  // HAProxy writes what it captured in braces before the request; by custom the Host is first.
  const haproxy =
    /(?:^|\s)(\S+?):\d+ \[[^\]]+\] (\S+?)~? \S+\/\S+ .*?(?:\{([^|}]*)[^}]*\} )?(?:\{[^}]*\} )?"[A-Z]+ /.exec(
      text,
    );
  const [method, target] = [request[1]!, request[2]!];
  if (haproxy) {
    return { method, target, host: haproxy[3] || undefined, listener: haproxy[2], client: haproxy[1] };
  }
  if (text.startsWith("[")) return { method, target, ...envoyFields(text) };
  // Apache's vhost_combined, and what many people set up for nginx.
  const [, host, client] = /^(?:(\S+) )?(\S+) \S+ \S+ \[/.exec(text) ?? [];
  return { method, target, host, client };
}

/**
 * Envoy's default format, to which Istio adds fields without quotes, ends in five with them: X-Forwarded-For, User-Agent,
 * request id, authority and endpoint. `-` stands for what there is not.
 */
function envoyFields(text: string): Pick<Line, "host" | "client"> {
  const quoted = text.split('"').filter((_, index) => index % 2 === 1);
  const [forwardedFor, , , authority] = quoted.length > 5 ? quoted.slice(-5) : [];
  const present = (field: string | undefined) => (field === "-" ? undefined : field);
  return { host: present(authority), client: present(forwardedFor)?.split(",")[0] };
}

function headLine(text: string): Line | undefined {
  const [, method, target, rest = ""] = /^([A-Za-z]+) (\S+)((?: \[[^\]]*\])*)$/.exec(text) ?? [];
  if (method === undefined || target === undefined) return undefined;
  const headers = new Map<string, string>();
  for (const [, name, value] of rest.matchAll(/\[([^:\]]+): ?([^\]]*)\]/g))
    headers.set(name!.toLowerCase(), value!);
  const client = headers.get("from");
  headers.delete("from");
  return { method, target, host: headers.get("host"), client, headers };
}
