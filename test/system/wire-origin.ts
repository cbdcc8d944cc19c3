// An origin that keeps the bytes it was sent: what really reached it, and whether two readers could read it differently.
import { createServer, type Socket } from "node:net";

export interface WireRequest {
  /** `METHOD target`. */
  readonly line: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

export interface WireOrigin {
  readonly port: number;
  /** Requests since the last call. */
  taken(): WireRequest[];
  /** Heads since the start that a strict reader refuses (RFC 9112), each with the reason. */
  readonly ambiguous: readonly string[];
  stop(): Promise<void>;
}

export async function startWireOrigin(): Promise<WireOrigin> {
  let requests: WireRequest[] = [];
  const ambiguous: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let buffered = "";
    socket.setNoDelay(true).setEncoding("latin1");
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    socket.on("data", (chunk: string) => {
      buffered += chunk;
      for (let read = readRequest(buffered); read; read = readRequest(buffered)) {
        buffered = read.rest;
        const problem = problemOf(read.head);
        if (problem) ambiguous.push(`${problem}: ${JSON.stringify(read.head)}`);
        requests.push(read.request);
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Served-By: wire\r\n\r\nok");
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    ambiguous,
    taken: () => requests.splice(0),
    stop: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => done());
        requests = [];
      }),
  };
}

interface ReadRequest {
  readonly head: string;
  readonly request: WireRequest;
  readonly rest: string;
}

/** The first request of the bytes, once it is whole. */
function readRequest(bytes: string): ReadRequest | undefined {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = bytes.slice(0, end);
  const [requestLine = "", ...lines] = head.split("\r\n");
  const headers = lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const valueOf = (name: string): string | undefined => headers.find(([other]) => other === name)?.[1];
  const body = valueOf("transfer-encoding")
    ? readChunks(bytes.slice(end + 4))
    : readLength(bytes.slice(end + 4), Number(valueOf("content-length") ?? 0));
  if (!body) return undefined;
  const line = requestLine.replace(/ HTTP\/1\.[01]$/, "");
  return { head, request: { line, headers, body: body.text }, rest: body.rest };
}

interface ReadBody {
  readonly text: string;
  readonly rest: string;
}

function readLength(bytes: string, length: number): ReadBody | undefined {
  return bytes.length < length ? undefined : { text: bytes.slice(0, length), rest: bytes.slice(length) };
}

function readChunks(bytes: string): ReadBody | undefined {
  let text = "";
  for (let at = 0; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.slice(at, lineEnd), 16);
    const next = lineEnd + 2 + size + 2;
    if (bytes.length < next) return undefined;
    text += bytes.slice(lineEnd + 2, lineEnd + 2 + size);
    if (size === 0) return { text, rest: bytes.slice(next) };
    at = next;
  }
}

const fieldLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[ \t]*[\x20-\x7e\x80-\xff\t]*$/;

/** Why a strict reader would refuse the head, or two readers disagree on it. */
function problemOf(head: string): string | undefined {
  const [requestLine = "", ...lines] = head.split("\r\n");
  if (!/^[A-Z]+ \/[\x21-\x7e]* HTTP\/1\.1$/.test(requestLine)) return "request line";
  const bad = lines.find((line) => !fieldLine.test(line));
  if (bad !== undefined) return "field line";
  const count = (name: string): number =>
    lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).length;
  if (count("host") !== 1) return "not one Host";
  if (count("content-length") + count("transfer-encoding") > 1) return "framed twice";
  if (lines.some((line) => /^transfer-encoding:/i.test(line) && !/: *chunked$/i.test(line))) return "coding";
  if (lines.some((line) => /^content-length:/i.test(line) && !/: *\d+$/.test(line))) return "length";
  return undefined;
}
