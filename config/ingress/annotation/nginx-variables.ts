// nginx's variables in a text that is made anew for each request → the parts of the model's texts.
import type { RequestText } from "#contract/request-text.ts";

type Part = RequestText[number];

const facts: Readonly<Record<string, Part>> = {
  remote_addr: { from: "ClientIP" },
  realip_remote_addr: { from: "ClientIP" },
  scheme: { from: "Scheme" },
  pass_access_scheme: { from: "Scheme" },
  host: { from: "Hostname", transforms: [{ type: "Lower" }] },
  http_host: { from: "Host" },
  best_http_host: { from: "Host" },
  server_port: { from: "Port" },
  pass_server_port: { from: "Port" },
  pass_port: { from: "Port" },
  request_method: { from: "Method" },
  uri: { from: "Path" },
  args: { from: "Query" },
  query_string: { from: "Query" },
  request_uri: { from: "Target" },
  escaped_request_uri: { from: "Target", transforms: [{ type: "URLEncode" }] },
};

/** `undefined`: a variable that is not one of the request. `known`: further variables with their values. */
export function requestParts(
  text: string,
  known: Readonly<Record<string, string>> = {},
): RequestText | undefined {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: whole, 1: braced, 2: bare = braced ?? "", index } of text.matchAll(
    /\$(?:\{(\w+)\}|(\w+))/g,
  )) {
    const part = Object.hasOwn(known, bare) ? { text: known[bare]! } : partOf(bare);
    if (!part) return undefined;
    if (index > end) parts.push({ text: text.slice(end, index) });
    parts.push(part);
    end = index + whole.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  // A `$` that begins no variable is refused by nginx.
  return parts.some((part) => part.text?.includes("$")) ? undefined : joined(parts);
}

function partOf(name: string): Part | undefined {
  if (Object.hasOwn(facts, name)) return facts[name];
  const [, kind, field = ""] = /^(http|cookie|arg)_(\w+)$/.exec(name) ?? [];
  if (kind === "http") return { from: "Header", name: field.replaceAll("_", "-") };
  if (kind === "cookie") return { from: "Cookie", name: field };
  return kind === "arg" ? { from: "QueryParam", name: field } : undefined;
}

/** Words that stand side by side are one part. */
function joined(parts: readonly Part[]): RequestText {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (part.text !== undefined && last?.text !== undefined) {
      result[result.length - 1] = { text: last.text + part.text };
    } else result.push(part);
  }
  return result;
}
