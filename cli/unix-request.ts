// One request to a program of this machine that listens on a Unix socket.
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { text } from "node:stream/consumers";

const defaultTimeoutMs = 2_000;

export interface UnixRequest {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly body: string;
  readonly timeoutMs?: number;
}

export interface UnixAnswer {
  readonly status: number;
  readonly text: string;
  /** `text` as JSON; undefined if it is something else. */
  readonly body: unknown;
  readonly errorCode?: string;
}

/** Rejects when nobody answers in time. */
export async function askUnixSocket(
  socketPath: string,
  { method, path, host, body, timeoutMs = defaultTimeoutMs }: UnixRequest,
): Promise<UnixAnswer> {
  const headers = { host };
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = request({ socketPath, method, path, agent: false, headers, signal });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  const errorCode = incoming.headers["isthmus-error"];
  const answered = await text(incoming);
  const status = incoming.statusCode ?? 0;
  return {
    status,
    text: answered,
    body: parsed(answered),
    ...(typeof errorCode === "string" && { errorCode }),
  };
}

function parsed(answered: string): unknown {
  try {
    return JSON.parse(answered);
  } catch {
    return undefined;
  }
}
