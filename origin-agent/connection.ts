// One connection to one hub: WebSocket over mutually authenticated TLS, handshake, then the session machine. A thin
// shell: what frames mean is decided in `traffic/tunnel/`.
import type { IncomingMessage } from "node:http";
import { Agent, type AgentOptions } from "node:https";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import { importKeyPairPem } from "#contract/identity/key-pair.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { signProof } from "#contract/identity/proof.ts";
import { limits } from "#contract/limits.ts";
import { closeCodeOf, closeTable } from "#contract/tunnel/code.ts";
import type { CloseCode } from "#contract/tunnel/code.ts";
import { hubMessageSchema } from "#contract/tunnel/control-message.ts";
import type { AgentMessage, HubMessage } from "#contract/tunnel/control-message.ts";
import { agentSettings } from "#contract/tunnel/settings.ts";
import { dialledProtocols } from "#contract/tunnel/target.ts";
import { frameInPlace } from "#contract/tunnel/web-socket-frame.ts";
import { AgentHandshake } from "#traffic/tunnel/agent-handshake.ts";
import type { AgentHandshakeStep } from "#traffic/tunnel/agent-handshake.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { SessionTally } from "#traffic/tunnel/session-tally.ts";
import { AgentError, errorFields } from "./agent-error.ts";
import { edgeConnectError, edgeRefusal, readBounded } from "./edge-request.ts";
import type { Identity } from "./identity-store.ts";
import type { Log } from "./log.ts";
import { agentVersion } from "./version.ts";
import type { RouteStream } from "./stream-router.ts";
import { transferred } from "./transfer-garbage.ts";

const tunnelPath = "/.well-known/isthmus/tunnel";
/** Interval of the session's own clock: pings and silence. */
const tickMs = 1_000;
const refusalBytes = 8 * 1024;
/**
 * What may wait for a hub that does not read. The connection's window keeps data, heads and trailers far below; only a
 * hub that provokes answers which no window counts (acknowledgements, resets) and reads none comes here.
 */
const maxQueuedBytes = 16 * 1024 * 1024;

export interface ConnectionOptions {
  /** Origin of the edge. */
  readonly edge: string;
  /** Unix socket on which the edge is, in place of its host and port. */
  readonly edgeSocket: string | undefined;
  readonly tunnel: string;
  readonly shard: number;
  readonly instance: string;
  readonly zone?: string;
  readonly identity: Identity;
  readonly log: Log;
  readonly routeStream: RouteStream;
  /** PEM roots that the edge must be verified against. */
  readEdgeRoots(): Promise<string>;
  onMessage(connection: TunnelConnection, message: HubMessage): void;
  /** The hub, or the door before it, does not accept this identity; the code is theirs. */
  onRefused(code: string): void;
}

export interface ConnectionState {
  readonly shard: number;
  /** Of the certificate. */
  readonly serial: string;
  readonly state: "handshake" | "serving" | "draining";
  /** As in the hub's log. */
  readonly connection?: string;
  readonly streams?: number;
  readonly inFlightBytes?: number;
  readonly unconsumedBytes?: number;
  readonly roundTripMs?: number;
  readonly responsive?: boolean;
}

export class TunnelConnection {
  /** Resolves to whether the hub accepted this agent. */
  readonly ready: Promise<boolean>;
  /** Resolves when the hub goes away. */
  readonly goingAway: Promise<void>;
  /** Resolves when the connection is over, for whatever reason. Never rejects. */
  readonly closed: Promise<void>;
  readonly identity: Identity;
  readonly #options: ConnectionOptions;
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #goingAway = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  #log: Log;
  #connection = "";
  #socket: WebSocket | undefined;
  /** Below `#socket`, which writes whole frames there, and each at once. */
  #transport: Socket | undefined;
  #session: TunnelSession | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #hubLeaves = false;
  #over = false;
  /** Messages are handled one after the other; after the handshake at once. */
  #handshaking: Promise<void> = Promise.resolve();

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.ready = this.#ready.promise;
    this.goingAway = this.#goingAway.promise;
    this.closed = this.#closed.promise;
    this.#log = options.log.with({ shard: options.shard });
    this.#start().catch((error: unknown) => this.#fail(error));
  }

  /** False: the connection is not (or no longer) able to carry it. */
  send(message: AgentMessage): boolean {
    const session = this.#session;
    if (!session || session.closed) return false;
    session.sendControl(JSON.stringify(message));
    return true;
  }

  /** True while the connection is authenticated and neither side goes away. */
  get serving(): boolean {
    return this.#session !== undefined && !this.#session.draining;
  }

  /** The hub goes away. It drains the connection itself, once nobody asks it for streams any more. */
  get hubLeaves(): boolean {
    return this.#hubLeaves;
  }

  /** Undefined before it is authenticated. */
  get tally(): SessionTally | undefined {
    return this.#session?.tally;
  }

  /** For a debug dump: numbers and names, nothing that is secret or a client's. */
  describe(): ConnectionState {
    const { shard } = this.#options;
    const { serial } = this.identity;
    const session = this.#session;
    if (!session) return { shard, serial, state: "handshake" };
    const { streams, inFlightBytes, unconsumedBytes, roundTripMs, responsive, draining } = session;
    const state = draining ? "draining" : "serving";
    const connection = this.#connection;
    return {
      shard,
      serial,
      connection,
      state,
      streams,
      inFlightBytes,
      unconsumedBytes,
      roundTripMs,
      responsive,
    };
  }

  /** Goes away: no new streams once the hub has acknowledged. Resolves when the open ones are finished. */
  drain(reason: string): Promise<void> {
    if (!this.#session) this.terminate();
    else if (!this.#session.closed) {
      this.#log.info("draining", { reason, streams: this.#session.streams });
      this.#session.drain(reason);
    }
    return this.closed;
  }

  terminate(): void {
    if (this.#session) this.#session.close("normal", "the agent ends");
    this.#end();
  }

  async #start(): Promise<void> {
    const { edge, tunnel, shard, identity, instance, zone } = this.#options;
    const [roots, { privateKey }] = await Promise.all([
      this.#options.readEdgeRoots(),
      importKeyPairPem(identity.privateKeyPem),
    ]);
    if (this.#over) return;
    const url = new URL(tunnelPath, edge);
    const handshake = new AgentHandshake({
      authority: url.host,
      path: url.pathname,
      certificateChain: decodePem("CERTIFICATE", identity.certificateChainPem),
      serial: identity.serial,
      sign: (input) => signProof(privateKey, input),
      instance,
      ...(zone !== undefined && { zone }),
      agentVersion,
      settings: agentSettings,
    });
    url.search = new URLSearchParams({ tunnel, shard: String(shard) }).toString();
    this.#socket = new WebSocket(url, socketOptions(this.#options, roots));
    this.#listen(this.#socket, handshake);
  }

  #listen(socket: WebSocket, handshake: AgentHandshake): void {
    const timer = setTimeout(() => {
      this.#fail(new AgentError("edge_refused", `no verdict within ${limits.handshakeTimeoutMs} ms`));
    }, limits.handshakeTimeoutMs);
    void this.ready.finally(() => clearTimeout(timer));
    socket
      .on("message", (data, isBinary) => {
        const message = data as Buffer;
        transferred(message.length);
        if (!isBinary) this.#fail(new AgentError("edge_answer_invalid", "the hub sent a text message"));
        else if (this.#session) this.#session.receive(message, performance.now());
        else this.#handshaking = this.#handshaking.then(() => this.#handshakeMessage(handshake, message));
      })
      .on("upgrade", (response) => (this.#transport = response.socket))
      .on("unexpected-response", (_request, response) => void this.#refusedByDoor(response))
      .on("error", (error) => {
        if (!this.#session) this.#fail(edgeConnectError(this.#options.edge, error));
      })
      .on("close", (code, reason) => this.#socketClosed(code, reason.toString("utf8")));
  }

  async #handshakeMessage(handshake: AgentHandshake, message: Uint8Array): Promise<void> {
    if (this.#over) return;
    if (this.#session) return this.#session.receive(message, performance.now());
    try {
      this.#take(await handshake.receive(message, Math.floor(Date.now() / 1_000)));
    } catch (error) {
      this.#fail(error);
    }
  }

  #take(step: AgentHandshakeStep): void {
    if (this.#over) return;
    switch (step.type) {
      case "send":
        return this.#sendMessage(step.message);
      case "ready":
        return this.#authenticated(step);
      case "refused": {
        const { code, message } = step.refused;
        if (step.message) this.#sendMessage(step.message);
        this.#options.onRefused(code);
        this.#fail(
          new AgentError("edge_refused", `the hub refused this agent (${code}): ${message}`),
          step.close,
        );
      }
    }
  }

  #authenticated({ connection, remote }: Extract<AgentHandshakeStep, { type: "ready" }>): void {
    this.#connection = connection;
    this.#log = this.#log.with({ connection });
    const log = this.#log;
    const session = new TunnelSession(
      {
        role: "agent",
        local: agentSettings,
        remote,
        send: (message, giveBack) => this.#sendMessage(message, giveBack),
        schedule: setImmediate,
        handlers: {
          onStream: (stream, head, ended) => this.#options.routeStream(log, stream, head, ended),
          onControl: (text) => this.#control(text),
          onDraining: (reason) => {
            log.info("hub_draining", { reason });
            this.#hubLeaves = true;
            this.#goingAway.resolve();
          },
          onDrained: () => session.close("normal", "all streams are finished"),
          onClose: ({ code, reason, local }) => {
            log.info("disconnected", { code, reason, by: local ? "agent" : "hub" });
            this.#end(code);
          },
        },
      },
      performance.now(),
    );
    this.#session = session;
    this.#ticker = setInterval(() => session.tick(performance.now()), tickMs);
    const { serial } = this.identity;
    log.info("connected", { serial });
    this.#ready.resolve(true);
  }

  #control(text: string): void {
    const parsed = hubMessageSchema.safeParse(parseJson(text));
    // A newer hub may say what this agent does not know; nothing depends on such a message being understood.
    if (parsed.success) this.#options.onMessage(this, parsed.data);
    else this.#log.warn("control_message_ignored", { reason: parsed.error.issues[0]?.message });
  }

  #sendMessage(message: Uint8Array, giveBack?: () => void): void {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    const frame = frameInPlace(message, true);
    if (frame && this.#transport) this.#transport.write(frame, giveBack);
    else socket.send(message, giveBack);
    transferred(message.length);
    if (socket.bufferedAmount <= maxQueuedBytes) return;
    this.#log.warn("send_queue_full", { bytes: socket.bufferedAmount });
    socket.terminate();
  }

  async #refusedByDoor(response: IncomingMessage): Promise<void> {
    const body = await readBounded(response, refusalBytes);
    const { code, error } = edgeRefusal(response.statusCode ?? 0, body);
    this.#options.onRefused(code);
    this.#fail(error);
  }

  #socketClosed(code: number, reason: string): void {
    const why = `${reason || closeTable[closeCodeOf(code)].meaning} [${code}]`;
    if (this.#session) this.#session.lost(code === 1006 ? "the connection broke" : why);
    else
      this.#fail(
        new AgentError("edge_refused", `the hub closed the connection during the handshake: ${why}`),
      );
    this.#end();
  }

  /** Ends a connection that was never ready, saying why. */
  #fail(error: unknown, code: CloseCode = "normal"): void {
    if (this.#over) return;
    this.#log.error("connection_failed", errorFields(error));
    this.#end(code);
  }

  #end(code: CloseCode = "normal"): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#ticker);
    this.#ready.resolve(false);
    this.#closed.resolve();
    const socket = this.#socket;
    if (socket?.readyState === WebSocket.OPEN) socket.close(closeTable[code].number);
    else socket?.terminate();
  }
}

function socketOptions(
  { identity, shard, edgeSocket }: Pick<ConnectionOptions, "identity" | "shard" | "edgeSocket">,
  roots: string,
): ClientOptions {
  const transport = {
    cert: identity.certificateChainPem,
    key: identity.privateKeyPem,
    ca: roots,
    minVersion: "TLSv1.2",
    ALPNProtocols: dialledProtocols(shard),
  } as const;
  return {
    ...transport,
    // `ws` takes a socket's path from the URL alone, and hands everything else to the agent.
    ...(edgeSocket !== undefined && {
      agent: new Agent({ ...transport, socketPath: edgeSocket } as AgentOptions),
    }),
    perMessageDeflate: false,
    maxPayload: limits.tunnelMessageBytes,
    handshakeTimeout: limits.handshakeTimeoutMs,
    // A mask of zeros. Masking protects intermediaries from what a browser's script can make it send (RFC 6455 §10.3);
    // here TLS hides every byte from them, and masking in JavaScript would cost each byte a copy.
    generateMask: () => undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
