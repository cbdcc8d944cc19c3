// Tables of requests and where they end up, one per line:
//
//   GET https://www.example.com/a?b=1 [cookie: x=1] [from: 127.0.0.2] => web_servers path=/new x-env=prod
//   POST http://www.example.com/ [body: 2000000] => 413
//   GET http://example.com/ => 301 https://example.com/
//   GET http://example.com/a%2fb => 400 ; haproxy web_servers: encoded slashes are refused (docs/paths.md)
//
// What follows `=>` is the backend with what it sees otherwise than the client sent it (path, host, headers; `<name`
// for response headers), or the status with the Location, or with a body that is no page of HTML. What follows `;` is where another proxy ends up, and why.

export interface TableRequest {
  /** As it stands in the file, without the result. */
  readonly text: string;
  readonly method: string;
  readonly url: URL;
  /** Path and query as written: the URL class would change them. */
  readonly target: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly client: string;
  /** Bytes of the request's body; 0: none. */
  readonly bodyBytes: number;
  readonly expected: string;
  readonly elsewhere?: { readonly proxy: string; readonly result: string; readonly reason: string };
}

export type TableLine = TableRequest | { readonly comment: string };

export function readTable(text: string): TableLine[] {
  const lines = text.trim() === "" ? [] : text.trimEnd().split("\n");
  return lines.map((line) =>
    line.trim() === "" || line.startsWith("#") ? { comment: line } : readLine(line),
  );
}

export function requestsOf(lines: readonly TableLine[]): TableRequest[] {
  return lines.filter((line): line is TableRequest => "method" in line);
}

function readLine(line: string): TableRequest {
  const [ask, rest = ""] = line.split(/ => ?/, 2) as [string, string?];
  const [method, address, ...others] = ask.trim().split(/ +(?=\[)|(?<=^\S+) +/);
  if (!method || !address) throw new Error(`expected METHOD URL [name: value]: ${line}`);
  const headers: Record<string, string> = {};
  let client = "127.0.0.1";
  let bodyBytes = 0;
  for (const part of others) {
    const [, name, value] = /^\[([^:]+): ?(.*)\]$/.exec(part.trim()) ?? [];
    if (name === undefined) throw new Error(`expected [name: value], found ${part}`);
    if (name === "from") client = value!;
    else if (name === "body") bodyBytes = Number(value);
    else headers[name.toLowerCase()] = value!;
  }
  const [expected, other] = rest.split(/ +; /, 2) as [string, string?];
  const found = other === undefined ? null : /^(\w+) (.*?): (.*)$/.exec(other);
  return {
    text: ask.trim(),
    method,
    url: new URL(address),
    target: /^https?:\/\/[^/]*(\/.*)?$/.exec(address)?.[1] ?? "/",
    headers,
    client,
    bodyBytes,
    expected: expected.trim(),
    ...(found && { elsewhere: { proxy: found[1]!, result: found[2]!, reason: found[3]! } }),
  };
}

export function writeTable(lines: readonly TableLine[], resultOf: (request: TableRequest) => string): string {
  const texts = lines.map((line) => {
    if ("comment" in line) return line.comment;
    const { elsewhere } = line;
    const other = elsewhere ? ` ; ${elsewhere.proxy} ${elsewhere.result}: ${elsewhere.reason}` : "";
    return `${line.text} => ${resultOf(line)}${other}`;
  });
  return `${texts.join("\n")}\n`;
}

/** What a backend sees, and how the client's request differs from it. */
export interface Seen {
  readonly backend: string;
  /** Path and query. */
  readonly target: string;
  readonly host: string;
  readonly requestHeaders: Readonly<Record<string, string | null>>;
  readonly responseHeaders: Readonly<Record<string, string | null>>;
}

/** The result's text. Of the headers, those count that differ from what the client sent. */
export function seenText(request: TableRequest, seen: Seen): string {
  const parts = [seen.backend];
  if (seen.target !== request.target) parts.push(`path=${seen.target}`);
  if (seen.host !== hostOf(request)) parts.push(`host=${seen.host}`);
  for (const [name, value] of Object.entries(seen.requestHeaders).sort()) {
    if (value !== (request.headers[name] ?? null)) parts.push(`${name}=${quoted(value)}`);
  }
  for (const [name, value] of Object.entries(seen.responseHeaders).sort())
    parts.push(`<${name}=${quoted(value)}`);
  return parts.join(" ");
}

/** Longer bodies are statistics and the like, which nobody compares. */
const maxBodyChars = 256;

/** An answer that no backend gave. Pages are those of the proxy. */
export function answerText(method: string, status: number, contentType: string, body: string): string {
  const isCompared = !contentType.startsWith("text/html") && body.length <= maxBodyChars;
  if (method === "HEAD" || !isCompared) return String(status);
  if (body === "") return status === 200 ? "200 empty" : String(status);
  return `${status} ${JSON.stringify(body)}`;
}

function quoted(value: string | null): string {
  if (value === null) return "";
  return /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

/** Host header of the request. */
export function hostOf({ url, headers }: TableRequest): string {
  return headers["host"] ?? url.host;
}

/** A Location as an absolute URL, without the ports that tests choose. */
export function locationText(location: string, request: TableRequest): string {
  return new URL(location, request.url).href;
}
