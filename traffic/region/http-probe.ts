// An HTTP health check as bytes on a connection of its own: `fetch` would neither send the Host that the check asks for
// nor say whether the connection or the answer failed.
import type { ActiveHealthCheck, Endpoint } from "#contract/snapshot.ts";

/** As much of the answer as is read: a head and, where the check asks for text, the start of the body. */
export const probeAnswerBytes = 32 * 1024;

/** The request of a probe. HTTP/1.1, one request per connection. */
export function probeRequest({ http }: ActiveHealthCheck, { id }: Endpoint): string {
  const lines = [
    `${http?.method ?? "GET"} ${http?.path ?? "/"} HTTP/1.1`,
    `Host: ${http?.hostname ?? id}`,
    "User-Agent: isthmus-health-check",
    ...(http?.headers ?? []).map(({ name, value }) => `${name}: ${value}`),
    "Connection: close",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** Status and the start of the body as text, chunk sizes included; undefined while the head is not complete. */
export function parseProbeAnswer(
  text: string,
): { readonly status: number; readonly body: string } | "malformed" | undefined {
  const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})[ \r\n]/.exec(text);
  if (!match) return text.length > 16 || text.includes("\n") ? "malformed" : undefined;
  const end = /\r?\n\r?\n/.exec(text);
  if (!end) return undefined;
  const status = Number(match[1]);
  const body = text.slice(end.index + end[0].length);
  // Interim answers (RFC 9110 §15.2) precede the real one.
  return status < 200 ? parseProbeAnswer(body) : { status, body };
}
