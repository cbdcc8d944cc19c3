// One WebSocket to the edge with the tunnel's session machine on it, for the connections to one name.
import type { IncomingMessage } from "node:http";
import type { ConnectionOptions } from "node:tls";
import { WebSocket } from "ws";
import { limits } from "#contract/limits.ts";
import { forwardPath, forwardVersion } from "#contract/port-forward.ts";
import { apiErrorSchema } from "#contract/sync.ts";
import { closeCodeOf, closeTable, type CloseCode } from "#contract/tunnel/code.ts";
import { agentSettings, forwardHubSettings } from "#contract/tunnel/settings.ts";
import { dialledProtocols } from "#contract/tunnel/target.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import { CommandError, systemCode } from "../command-error.ts";

export interface EdgeTarget {
  /** Origin of the edge, `https://HOST:PORT`. */
  readonly edge: string;
  /** PEM; absent: the roots of the system. */
  readonly caPem?: string;
  readonly token: string;
  /** What is reached. */
  readonly name: string;
}

export interface EdgeSession {
  readonly session: TunnelSession;
  /** Resolves when it is over, to why. */
  readonly closed: Promise<{ readonly code: CloseCode; readonly reason: string }>;
}

const tickMs = 1_000;
const goodbyeMs = 1_000;
/** What is read of an edge's refusal. */
const refusalBytes = 8 * 1024;

/** Rejects with a `CommandError`: `refused` and `failure` by the edge's own word, `unreachable` for everything that may pass. */
export function openEdgeSession(
  target: EdgeTarget,
  shard: number,
  signal: AbortSignal,
): Promise<EdgeSession> {
  const { edge, caPem, token, name } = target;
  const url = new URL(forwardPath, edge);
  url.search = new URLSearchParams({ version: forwardVersion, name, shard: String(shard) }).toString();
  const transport: ConnectionOptions = {
    ...(caPem !== undefined && { ca: caPem }),
    minVersion: "TLSv1.2",
    ALPNProtocols: dialledProtocols(shard),
  };
  const socket = new WebSocket(url, {
    ...transport,
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: limits.tunnelMessageBytes,
    handshakeTimeout: limits.handshakeTimeoutMs,
    // A mask of zeros, as the agent's (origin-agent/connection.ts): TLS hides every byte from intermediaries.
    generateMask: () => undefined,
  });
  return new Promise((done, fail) => {
    const abort = (): void => socket.terminate();
    signal.addEventListener("abort", abort, { once: true });
    socket
      .once("open", () => done(serve(socket)))
      .once("unexpected-response", (_request, response) => {
        readRefusal(response).then(fail, fail);
      })
      .on("error", (error) => fail(connectError(edge, error)))
      .once("close", () => {
        signal.removeEventListener("abort", abort);
        fail(new CommandError("unreachable", `the edge ${edge} closed the connection`));
      });
  });
}

function serve(socket: WebSocket): EdgeSession {
  const closed = Promise.withResolvers<{ code: CloseCode; reason: string }>();
  const end = (code: CloseCode, reason: string): void => {
    clearInterval(ticker);
    closed.resolve({ code, reason });
    if (socket.readyState === WebSocket.OPEN) socket.close(closeTable[code].number);
    // An edge that is gone answers no closing handshake.
    setTimeout(() => socket.terminate(), goodbyeMs).unref();
  };
  const session = new TunnelSession(
    {
      role: "agent",
      local: agentSettings,
      remote: forwardHubSettings,
      send: (message) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(message);
      },
      schedule: setImmediate,
      handlers: {
        // The edge opens none.
        onStream: () => "refused",
        onControl: () => undefined,
        onDrained: () => session.close("normal", "all connections are finished"),
        onClose: ({ code, reason }) => end(code, reason),
      },
    },
    performance.now(),
  );
  const ticker = setInterval(() => session.tick(performance.now()), tickMs);
  socket
    .on("message", (data, isBinary) => {
      if (isBinary) session.receive(data as Buffer, performance.now());
      else session.close("protocol_error", "a text message");
    })
    .on("close", (code, reason) => {
      const why = code === 1006 ? "the connection broke" : reason.toString("utf8");
      session.lost(why || closeTable[closeCodeOf(code)].meaning, closeCodeOf(code));
    });
  return { session, closed: closed.promise };
}

async function readRefusal(response: IncomingMessage): Promise<CommandError> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if ((bytes += chunk.length) > refusalBytes) break;
  }
  const status = response.statusCode ?? 0;
  const parsed = apiErrorSchema.safeParse(parseJson(Buffer.concat(chunks).toString("utf8")));
  if (!parsed.success) {
    return new CommandError(
      "unreachable",
      `the edge answered ${status}, which is no word on port forwarding`,
      {
        remedy: "Name the edge where agents connect, too: `isthmus serve --tunnel`, or TUNNEL_HOSTNAME.",
      },
    );
  }
  const { code, message, remedy } = parsed.data;
  const isFinal = status >= 400 && status < 500 && status !== 429;
  const reason = !isFinal ? "unreachable" : status === 401 || status === 403 ? "refused" : "failure";
  return new CommandError(reason, message, { code, remedy });
}

function connectError(edge: string, error: Error): CommandError {
  const code = systemCode(error) ?? "";
  const isTrust = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME/.test(code);
  const remedy = isTrust
    ? "Name the roots of the edge's certificate with --ca-file, and the edge by a name in its certificate."
    : "Check --edge, DNS and firewalls.";
  // An edge that is not who it should be will not become it by waiting.
  return new CommandError(
    isTrust ? "failure" : "unreachable",
    `no connection to the edge ${edge}: ${error.message}`,
    {
      remedy,
      cause: error,
    },
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
