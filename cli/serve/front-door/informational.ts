// Informational answers (RFC 9110 §15.2) on their way to clients of this front door: hubs bring them here, past the gateway,
// which cannot carry them (decision 0021).
import { randomUUID } from "node:crypto";
import {
  createServer,
  STATUS_CODES,
  validateHeaderName,
  validateHeaderValue,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { text } from "node:stream/consumers";
import { informationalTargetText } from "#contract/informational.ts";
import { limits } from "#contract/limits.ts";
import type { ResponseHead } from "#contract/tunnel/head.ts";
import type { Outgoing } from "./answer.ts";
import { http2Fields, pairs, returnedHead } from "./forwarded-head.ts";

/** One request, whatever its retries come to. */
interface Waiting {
  readonly response: Outgoing;
  heads: number;
  bytes: number;
}

/** A request whose final answer has not begun. */
export interface Expected {
  /** For the connection's facts. */
  readonly target: string;
  /** What comes from now on is too late. */
  over(): void;
}

export class InformationalAnswers {
  readonly #door: string;
  /** Nobody guesses what it begins with. */
  readonly #secret = randomUUID();
  readonly #waiting = new Map<string, Waiting>();
  #requests = 0;

  /** `door`: name of the socket where they arrive. */
  constructor(door: string) {
    this.#door = door;
  }

  /** Undefined for a client that takes none: HTTP/1.0 has none. */
  expect(httpVersion: string, response: Outgoing): Expected | undefined {
    if (httpVersion === "1.0") return undefined;
    this.#requests += 1;
    const token = `${this.#secret}-${this.#requests.toString(36)}`;
    this.#waiting.set(token, { response, heads: 0, bytes: 0 });
    return {
      target: informationalTargetText({ door: this.#door, token }),
      over: () => this.#waiting.delete(token),
    };
  }

  /** False where nobody waits for it, or has had enough. Throws for fields that HTTP does not allow. */
  pass(token: string, { status, fields }: ResponseHead): boolean {
    const waiting = this.#waiting.get(token);
    if (!waiting || status < 100 || status > 199 || status === 101) return false;
    waiting.heads += 1;
    for (const [name, value] of fields) waiting.bytes += name.length + value.length;
    if (waiting.heads > limits.informationalHeads || waiting.bytes > limits.headBytes) return false;
    const head = returnedHead(fields.flat());
    const { response } = waiting;
    return "stream" in response ? passHttp2(response, status, head) : passHttp1(response, status, head);
  }
}

function passHttp1(response: ServerResponse, status: number, head: readonly string[]): boolean {
  const { socket, headersSent } = response;
  if (!socket || headersSent) return false;
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`];
  for (const [name, value] of pairs(head)) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    lines.push(`${name}: ${value}`);
  }
  // Node writes such heads by methods for some of them, each with opinions on its fields.
  socket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  return true;
}

function passHttp2(
  { stream }: Exclude<Outgoing, ServerResponse>,
  status: number,
  head: readonly string[],
): boolean {
  if (stream.destroyed || stream.headersSent) return false;
  stream.additionalHeaders({ ...http2Fields(head), ":status": status });
  return true;
}

/** Where hubs bring them. On a Unix socket that only the supervisor's own processes can open. */
export function informationalServer(answers: InformationalAnswers): Server {
  const options = { keepAliveTimeout: 0, requireHostHeader: false };
  return createServer(options, (request, response) => {
    response.on("error", () => response.destroy());
    void take(answers, request).then(
      (isPassed) => response.writeHead(isPassed ? 204 : 404).end(),
      () => response.writeHead(400).end(),
    );
  });
}

async function take(answers: InformationalAnswers, request: IncomingMessage): Promise<boolean> {
  // A tunnel's bounds are what counts.
  const head = JSON.parse(await text(request)) as ResponseHead;
  return answers.pass((request.url ?? "/").slice(1), head);
}
