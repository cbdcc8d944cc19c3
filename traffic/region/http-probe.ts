// An HTTP health check as bytes on a connection of its own: `fetch` would neither send the Host that the check asks for
// nor say whether the connection or the answer failed.
import type { ActiveHealthCheck, Endpoint } from "#contract/snapshot.ts";
import { type Answer, answerChars } from "../health/answer-test.ts";

/** As much of the answer as is read: a head and, where the check asks for text, the start of the body. */
export const probeAnswerBytes = 32 * 1024;

/** The request of a probe. HTTP/1.1, one request per connection. */
export function probeRequest(
  { method, path, hostname, headers = [], body }: NonNullable<ActiveHealthCheck["http"]>,
  { id }: Endpoint,
): Uint8Array {
  const bytes = body === undefined ? undefined : new TextEncoder().encode(body);
  const isUpgrade = headers.some(({ name }) => name.toLowerCase() === "connection");
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `Host: ${hostname ?? id}`,
    "User-Agent: isthmus-health-check",
    ...headers.map(({ name, value }) => `${name}: ${value}`),
    ...(bytes ? [`Content-Length: ${bytes.length}`] : []),
    ...(isUpgrade ? [] : ["Connection: close"]),
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body ?? ""}`);
}

export interface ProbeAnswer extends Answer {
  /** Whether its end has come, as far as its head tells. */
  readonly isWhole: boolean;
}

/** The body is text, chunk sizes included; undefined while the head is not complete. */
export function parseProbeAnswer(text: string): ProbeAnswer | "malformed" | undefined {
  const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})[ \r\n]/.exec(text);
  if (!match) return text.length > 16 || text.includes("\n") ? "malformed" : undefined;
  const end = /\r?\n\r?\n/.exec(text);
  if (!end) return undefined;
  const status = Number(match[1]);
  const rest = text.slice(end.index + end[0].length);
  // Interim answers (RFC 9110 §15.2) precede the real one; 101 is one.
  if (status < 200 && status !== 101) return parseProbeAnswer(rest);
  const headers = text
    .slice(0, end.index)
    .split(/\r?\n/)
    .slice(1)
    .map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
  return { status, headers, body: rest.slice(0, answerChars), isWhole: isWhole(status, headers, rest) };
}

/** RFC 9112 §6.3, of answers to anything but HEAD, whose end is that of the head. */
function isWhole(status: number, headers: Answer["headers"], body: string): boolean {
  if (status === 101 || status === 204 || status === 304 || body.length >= answerChars) return true;
  const valueOf = (wanted: string): string | undefined => headers.find(([name]) => name === wanted)?.[1];
  if (valueOf("transfer-encoding") !== undefined) return /(?:^|\n)0+\r?\n(?:.*\n)*\r?\n$/.test(body);
  const length = valueOf("content-length");
  // In characters there are as many or fewer.
  return length !== undefined && new TextEncoder().encode(body).length >= Number(length);
}
