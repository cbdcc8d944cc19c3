// Sends the requests of a table to a running proxy.
import { request as httpRequest, type IncomingMessage } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Echo } from "../system/echo-server.ts";
import { answerText, hostOf, locationText, seenText, type TableRequest } from "./request-table.ts";

/** Each connection's own (RFC 9110 §7.6.1), or written anew by every proxy; the Host is told apart. */
const hopByHop = new Set(["connection", "upgrade", "host", "x-forwarded-for"]);

/**
 * Where a request ends up that is sent to a running proxy, as the tables write it. `ports`: those of this machine for those
 * of the file. Of headers, those count that the request has or `expected` names.
 */
export async function askProxy(
  request: TableRequest,
  expected: string,
  ports: ReadonlyMap<number, number>,
): Promise<string> {
  const declared = Number(request.url.port) || (request.url.protocol === "https:" ? 443 : 80);
  const port = ports.get(declared);
  if (port === undefined) return "no listener";
  const answer = await ask(request, port);
  if (!answer.headers["x-served-by"]) {
    const { location } = answer.headers;
    if (!location) {
      // What the gateway says of its errors is worded elsewhere.
      if (answer.headers["content-type"] === "application/problem+json") return String(answer.status);
      return answerText(request.method, answer.status, answer.headers["content-type"] ?? "", answer.body);
    }
    const standard = declared === 80 || declared === 443 ? "" : `:${declared}`;
    return `${answer.status} ${locationText(location.replace(`:${port}`, standard), request)}`;
  }
  // The answer to HEAD has no body to tell more.
  if (answer.body === "") return textOf(answer.headers["x-served-by"])!;
  const echo = JSON.parse(answer.body) as Echo;
  const named = [...expected.matchAll(/ (<?)([a-z0-9-]+)=/g)].filter(
    ([, , name]) => name !== "path" && name !== "host",
  );
  const valuesOf = (headers: IncomingMessage["headers"], names: readonly string[]) =>
    Object.fromEntries(
      names.map((name) => {
        const value = textOf(headers[name]);
        return [name, value === String(port) ? String(declared) : value];
      }),
    );
  const namesOf = (mark: string): string[] =>
    named.flatMap(([, found, name]) => (found === mark ? [name!] : []));
  return seenText(request, {
    backend: echo.name,
    target: echo.url,
    host: textOf(echo.headers["host"]) ?? "",
    requestHeaders: valuesOf(echo.headers, [
      ...new Set([...Object.keys(request.headers), ...namesOf("")].filter((name) => !hopByHop.has(name))),
    ]),
    responseHeaders: valuesOf(answer.headers, namesOf("<")),
  });
}

function textOf(value: string | string[] | undefined): string | null {
  return Array.isArray(value) ? value.join(", ") : (value ?? null);
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Longer bodies do not fit into what a connection has room for, so an answer may come while one is being written. */
const maxBytesAtOnce = 65_536;

function ask(request: TableRequest, port: number): Promise<Answer> {
  return new Promise((done, fail) => {
    const body = "x".repeat(request.bodyBytes);
    // Who is refused before is told so, and has written nothing into a connection that is closed.
    const waits = body.length > maxBytesAtOnce;
    const isTls = request.url.protocol === "https:";
    const outgoing = (isTls ? httpsRequest : httpRequest)(
      {
        host: "127.0.0.1",
        localAddress: request.client,
        port,
        path: request.target,
        method: request.method,
        headers: {
          ...request.headers,
          host: hostOf(request),
          ...(waits && { expect: "100-continue", "content-length": body.length }),
        },
        agent: false,
        ...(isTls && { servername: request.url.hostname, rejectUnauthorized: false }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
        incoming.once("error", fail);
        incoming.once("end", () => {
          done({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          });
          // The body of a refused request is never sent.
          if (waits) outgoing.destroy();
        });
      },
    );
    outgoing.once("error", fail);
    if (waits) outgoing.once("continue", () => outgoing.end(body));
    else outgoing.end(body);
  });
}
