// Carries a connection of the data path over a stream of a tunnel: asks an agent for the endpoint, then passes bytes on
// in both directions, each of which ends by itself.
import { createServer, type Server, type Socket } from "node:net";
import type { ErrorCode } from "#contract/error.ts";
import {
  askLengthBytes,
  encodeAsk,
  type HubAsk,
  type HubAskAnswer,
  hubAskSchema,
  maxAskBytes,
} from "#contract/hub-ask.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { AgentConnection } from "#hub/agent-connection.ts";
import { failureOf } from "#hub/tunnel-failure.ts";
import type { DispatchPort } from "#hub/stream-dispatch.ts";
import { chooseAgent } from "#traffic/tunnel/choose-agent.ts";
import type { TunnelSession } from "#traffic/tunnel/session.ts";
import { SocketRelay } from "#traffic/tunnel/socket-relay.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import type { Hubs } from "./hubs.ts";

/** Agents that are asked for one connection. */
const maxAttempts = 3;
/** How often a gateway that has ended its half is looked at. */
const lookMs = 500;
const nothing = new Uint8Array(0);

/** On a Unix socket that only the supervisor's own processes can open. */
export function connectionServer(hubs: Hubs): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    // A gateway that breaks off is seen by its connection's end.
    socket.on("error", () => socket.destroy());
    socket.once("end", () => noticeClose(socket));
    void serveConnection(hubs, socket);
  });
}

/**
 * On a Unix socket, who has closed looks like who has ended one half, until something is written to them: to write nothing
 * is enough for the kernel to tell.
 */
function noticeClose(socket: Socket): void {
  const look = (): void => {
    if (!socket.writableEnded && socket.writableLength === 0) socket.write(nothing);
  };
  const timer = setInterval(look, lookMs);
  socket.once("close", () => clearInterval(timer));
  setImmediate(look);
}

/** Never rejects. */
async function serveConnection(hubs: Hubs, socket: Socket): Promise<void> {
  try {
    const ask = await readAsk(socket);
    const reached = await reach(hubs.named(ask.hub).streams(), ask.endpoint);
    const answer: HubAskAnswer = typeof reached === "string" ? { error: reached } : {};
    socket.write(encodeAsk(answer));
    if (typeof reached === "string") socket.end();
    else if (socket.destroyed) reached.abandon();
    else reached.relay(socket);
  } catch {
    // The gateway has left, or says what none of ours does.
    socket.destroy();
  }
}

/** Takes nothing of what follows the message. */
function readAsk(socket: Socket): Promise<HubAsk> {
  return new Promise((done, fail) => {
    let seen: Buffer = Buffer.alloc(0);
    const onReadable = (): void => {
      const chunk = socket.read() as Buffer | null;
      if (chunk === null) return;
      seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
      if (seen.length < askLengthBytes) return;
      const end = askLengthBytes + seen.readUInt16BE(0);
      if (end > askLengthBytes + maxAskBytes) return fail(new Error(`a message of ${end} bytes`));
      if (seen.length < end) return;
      socket.off("readable", onReadable);
      if (seen.length > end) socket.unshift(seen.subarray(end));
      try {
        done(hubAskSchema.parse(JSON.parse(seen.toString("utf8", askLengthBytes, end))));
      } catch (error) {
        fail(error as Error);
      }
    };
    socket.on("readable", onReadable);
    socket.once("close", () => fail(new Error("closed")));
    socket.once("end", () => fail(new Error("ended")));
  });
}

/** No byte of the client has been read yet, so every agent may be tried. */
async function reach(
  { agents, zoneOf, random }: DispatchPort,
  endpoint: string,
): Promise<TcpExchange | ErrorCode> {
  const head: OpenHead = {
    kind: "tcp",
    endpoint,
    method: "",
    scheme: "",
    authority: "",
    target: "",
    fields: [],
  };
  const wish = { endpoint, zone: zoneOf(endpoint), tried: new Set<AgentConnection>() };
  let failure: ErrorCode = "tunnel_unavailable";
  while (wish.tried.size < maxAttempts) {
    const agent = chooseAgent(agents(), wish, random);
    if (!agent?.session) break;
    wish.tried.add(agent);
    const exchange = new TcpExchange();
    if (!exchange.open(agent.session, head)) continue;
    const reset = await exchange.answer;
    if (!reset) return exchange;
    failure = failureOf(reset).code;
  }
  return failure;
}

class TcpExchange implements StreamHandlers {
  readonly #answer = Promise.withResolvers<StreamReset | undefined>();
  #stream!: TunnelStream;
  #relay: SocketRelay["handlers"] | undefined;
  /** What the endpoint does before its bytes can be passed on. */
  #early: ((relay: SocketRelay["handlers"]) => void)[] = [];

  /** False: the session takes no stream now. */
  open(session: TunnelSession, head: OpenHead): boolean {
    const stream = session.open(head, this, false);
    if (!stream) return false;
    this.#stream = stream;
    return true;
  }

  /** Undefined: the endpoint is connected. */
  get answer(): Promise<StreamReset | undefined> {
    return this.#answer.promise;
  }

  relay(socket: Socket): void {
    // A Unix socket cannot be reset.
    socket.resetAndDestroy = () => socket.destroy();
    const relay = new SocketRelay(this.#stream, socket, {
      failure: "cancelled",
      ended: () => socket.destroy(),
    }).handlers;
    this.#relay = relay;
    for (const event of this.#early) event(relay);
    this.#early = [];
    // Its end may have been read before anybody listened.
    if (socket.readableEnded) this.#stream.end();
  }

  /** The gateway has left meanwhile. */
  abandon(): void {
    this.#stream.reset("cancelled", "the client left");
  }

  #on(event: (relay: SocketRelay["handlers"]) => void): void {
    if (this.#relay) event(this.#relay);
    else this.#early.push(event);
  }

  onHead(): void {
    this.#answer.resolve(undefined);
  }

  onData(chunk: Uint8Array): void {
    this.#on((relay) => relay.onData(chunk));
  }

  onEnd(): void {
    this.#on((relay) => relay.onEnd([]));
  }

  onReset(reset: StreamReset): void {
    this.#answer.resolve(reset);
    this.#on((relay) => relay.onReset(reset));
  }

  onWritable(): void {
    this.#on((relay) => relay.onWritable());
  }
}
