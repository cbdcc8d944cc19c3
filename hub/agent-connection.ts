// One agent's WebSocket at a hub: handshake first, then the session. A thin shell around the two machines.
import { closeCodeOf, closeTable } from "#contract/tunnel/code.ts";
import type { CloseCode } from "#contract/tunnel/code.ts";
import { agentMessageSchema } from "#contract/tunnel/control-message.ts";
import type { AgentMessage, HubMessage } from "#contract/tunnel/control-message.ts";
import { hubSettings } from "#contract/tunnel/settings.ts";
import type { TunnelSettings } from "#contract/tunnel/settings.ts";
import { verifyCertificate } from "#contract/identity/certificate.ts";
import type { VerifiedIdentity } from "#contract/identity/certificate.ts";
import { limits } from "#contract/limits.ts";
import type { AgentStatus, Trust } from "#contract/sync.ts";
import { refusal } from "#traffic/tunnel/hub-handshake.ts";
import type { HubHandshake, HubHandshakeResult } from "#traffic/tunnel/hub-handshake.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { SessionTally } from "#traffic/tunnel/session-tally.ts";
import type { AgentFacts } from "#traffic/tunnel/choose-agent.ts";
import { WaitingStreams } from "#traffic/tunnel/waiting-streams.ts";
import type { HubCounters } from "./hub-counters.ts";
import { EndpointVerdicts } from "./endpoint-verdicts.ts";
import type { Flushing } from "./hub-runtime.ts";
import type { PeerSocket } from "./peer-socket.ts";

/** What a connection needs of its hub. */
export interface HubPort {
  readonly tunnel: string;
  readonly shard: number;
  /** The newest trust; undefined while none can be had. */
  trust(): Promise<Trust | undefined>;
  /** What an agent is told once it is authenticated. */
  greeting(): HubMessage[];
  knowsEndpoint(key: string): boolean;
  readonly counters: HubCounters;
  createFlushing(): Flushing;
  renew(identity: VerifiedIdentity, request: Extract<AgentMessage, { type: "renew" }>): Promise<HubMessage>;
  ended(connection: AgentConnection): void;
  log(event: string, fields: Record<string, unknown>): void;
}

/** A stream whose answer has not begun. */
export interface WaitingExchange {
  /** Gives the stream up, for another agent to be asked; nothing happens where that could do a request twice. */
  moveOn(): void;
}

export class AgentConnection implements AgentFacts {
  readonly id: string;
  readonly verdicts = new EndpointVerdicts();
  readonly waiting = new WaitingStreams<WaitingExchange>();
  readonly #socket: PeerSocket;
  readonly #hub: HubPort;
  readonly #acceptedMs: number;
  #handshake: HubHandshake | undefined;
  #session: TunnelSession | undefined;
  #agent: Extract<HubHandshakeResult, { type: "ready" }> | undefined;
  #configVersion = 0;
  #renewing = false;
  #puzzled = false;
  #over = false;

  constructor(id: string, socket: PeerSocket, handshake: HubHandshake, hub: HubPort, nowMs: number) {
    this.id = id;
    this.#socket = socket;
    this.#handshake = handshake;
    this.#hub = hub;
    this.#acceptedMs = nowMs;
    socket.listen({
      onMessage: (message, isText) => this.#receive(message, isText),
      onClose: (code, reason) =>
        this.#lost(closeCodeOf(code), reason || `the agent's WebSocket closed with code ${code}`),
      onError: () => this.#lost("internal", "the agent's WebSocket broke"),
    });
    socket.send(handshake.challenge());
  }

  get authenticated(): boolean {
    return this.#session !== undefined;
  }

  get session(): TunnelSession | undefined {
    return this.#session;
  }

  get streams(): number {
    return this.#session?.streams ?? 0;
  }

  get inFlightBytes(): number {
    return this.#session?.inFlightBytes ?? 0;
  }

  get draining(): boolean {
    return this.#session?.draining ?? true;
  }

  get configVersion(): number {
    return this.#configVersion;
  }

  get zone(): string | undefined {
    return this.#agent?.zone;
  }

  get responsive(): boolean {
    return (this.#session?.responsive ?? true) && !this.waiting.isStalled(Date.now());
  }

  get roundTripMs(): number {
    return this.#session?.roundTripMs ?? 0;
  }

  isHealthy(endpoint: string): boolean | undefined {
    return this.verdicts.isHealthy(endpoint);
  }

  /** Undefined before the agent is authenticated. */
  status(): AgentStatus | undefined {
    if (!this.#agent) return undefined;
    const { identity, instance, zone, agentVersion } = this.#agent;
    const { responsive, roundTripMs } = this;
    return {
      tunnel: this.#hub.tunnel,
      shard: this.#hub.shard,
      connection: this.id,
      instance,
      ...(zone !== undefined && { zone }),
      ...(agentVersion !== undefined && { agentVersion }),
      spiffeId: identity.spiffeId,
      certificateSerial: identity.serial,
      certificateNotAfterMs: identity.notAfterMs,
      connectedAtMs: this.#acceptedMs,
      configVersion: this.#configVersion,
      streams: this.streams,
      draining: this.draining,
      ...(!responsive && { responsive }),
      ...(roundTripMs > 0 && { roundTripMs }),
      ...(this.#session && tallied(this.#session.tally)),
    };
  }

  send(message: HubMessage): void {
    try {
      this.#session?.sendControl(JSON.stringify(message));
    } catch (error) {
      this.#hub.log("tunnel_control_too_large", {
        connection: this.id,
        type: message.type,
        error: String(error),
      });
    }
  }

  /** Asks the agent to connect to this hub's successor; this connection serves until it is drained. */
  leave(reason: string): void {
    this.#session?.leave(reason);
  }

  /** No new streams; closes the connection once the open ones are finished. */
  drain(reason: string): void {
    this.#session?.drain(reason);
  }

  /** Ends the connection with everything on it. */
  end(reason: string): void {
    this.#session?.close("normal", reason);
  }

  /** Handshake deadline, pings, end of the certificate's life. About once a second. */
  tick(nowMs: number): void {
    if (!this.#session) {
      if (nowMs - this.#acceptedMs < limits.handshakeTimeoutMs) return;
      const reason = `no proof within ${limits.handshakeTimeoutMs} ms`;
      this.#refuse(refusal("handshake_timeout", reason, "unauthenticated"));
      return;
    }
    if (this.#agent && nowMs > this.#agent.identity.notAfterMs) {
      this.#session.close("revoked", "the certificate of this connection has expired");
      return;
    }
    this.#session.tick(nowMs);
  }

  /** Verifies the certificate again; closes the connection when it no longer holds. */
  async checkTrust(trust: Trust, nowMs: number): Promise<void> {
    if (!this.#agent) return;
    try {
      await verifyCertificate([...this.#agent.certificateChain], trust, nowMs);
    } catch (error) {
      this.#session?.close("revoked", error instanceof Error ? error.message : String(error));
    }
  }

  // --- from the agent -----------------------------------------------------------------------------------------------

  #receive(message: Uint8Array, isText: boolean): void {
    if (this.#over) return;
    if (isText) {
      if (this.#session) this.#session.close("protocol_error", "a text message");
      else this.#refuse(refusal("protocol_error", "a text message", "protocol_error"));
      return;
    }
    if (this.#session) this.#session.receive(message, Date.now());
    else void this.#authenticate(message);
  }

  async #authenticate(message: Uint8Array): Promise<void> {
    const handshake = this.#handshake;
    if (!handshake) {
      return this.#refuse(
        refusal("protocol_error", "a message while the proof is checked", "protocol_error"),
      );
    }
    this.#handshake = undefined;
    const trust = await this.#hub.trust();
    if (!trust) return this.#refuse(refusal("unavailable", "the hub has no trust bundle yet", "unavailable"));
    const result = await handshake.receive(message, trust, Date.now());
    if (this.#over) return;
    if (result.type === "refused") return this.#refuse(result);
    this.#socket.send(result.message);
    this.#agent = result;
    this.#session = this.#createSession(result.remote);
    this.#hub.counters.add("handshakes_total", { result: "ok" });
    const { spiffeId, serial } = result.identity;
    this.#hub.log("tunnel_connected", { connection: this.id, instance: result.instance, spiffeId, serial });
    for (const greeting of this.#hub.greeting()) this.send(greeting);
    // The trust may have changed while the proof was checked.
    const latest = await this.#hub.trust();
    if (latest && latest.version !== trust.version) await this.checkTrust(latest, Date.now());
  }

  #refuse(refused: Extract<HubHandshakeResult, { type: "refused" }>): void {
    if (this.#over) return;
    const { code, reason } = refused;
    this.#hub.log("tunnel_refused", { connection: this.id, code, reason });
    this.#hub.counters.add("handshakes_total", { result: code });
    this.#socket.send(refused.message);
    this.#close(refused.close, reason);
  }

  #createSession(remote: TunnelSettings): TunnelSession {
    const flushing = this.#hub.createFlushing();
    const options = {
      role: "edge" as const,
      local: hubSettings,
      remote,
      send: (message: Uint8Array, giveBack: () => void) => this.#socket.send(message, giveBack),
      schedule: (flush: () => void) => flushing(flush, this.streams),
      handlers: {
        // Agents open no streams in this version of the protocol.
        onStream: () => "refused" as const,
        onControl: (text: string) => this.#control(text),
        onDraining: (reason: string) => this.#hub.log("tunnel_draining", { connection: this.id, reason }),
        onDrained: () => this.#close("normal", "drained"),
        onClose: ({ code, reason, local }: { code: CloseCode; reason: string; local: boolean }) => {
          this.#hub.log("tunnel_closed", { connection: this.id, code, reason, by: local ? "hub" : "agent" });
          this.#close(code, reason);
        },
      },
    };
    return new TunnelSession(options, Date.now());
  }

  #control(text: string): void {
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch {
      return this.#session?.close("protocol_error", "a control message is not JSON");
    }
    const parsed = agentMessageSchema.safeParse(content);
    if (!parsed.success) {
      // A newer agent may say what this hub does not know; that harms nothing. One line is enough for the log.
      if (this.#puzzled) return;
      this.#puzzled = true;
      this.#hub.log("tunnel_control_unknown", {
        connection: this.id,
        issue: parsed.error.issues[0]?.message,
      });
      return;
    }
    const message = parsed.data;
    if (message.type === "renew") return void this.#renew(message);
    this.#configVersion = message.configVersion;
    this.verdicts.take(message, (key) => this.#hub.knowsEndpoint(key));
  }

  async #renew(request: Extract<AgentMessage, { type: "renew" }>): Promise<void> {
    if (!this.#agent) return;
    if (this.#renewing) {
      const error = { code: "renewal_running", message: "one renewal at a time" };
      return this.send({ type: "renew-refused", id: request.id, error });
    }
    this.#renewing = true;
    try {
      this.send(await this.#hub.renew(this.#agent.identity, request));
    } finally {
      this.#renewing = false;
    }
  }

  // --- end ----------------------------------------------------------------------------------------------------------

  #lost(code: CloseCode, reason: string): void {
    if (this.#over) return;
    this.#session?.lost(reason, code);
    this.#close("normal", reason);
  }

  #close(code: CloseCode, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    // A close reason has at most 123 bytes (RFC 6455 §5.5); REFUSED and GO_AWAY carry the whole.
    this.#socket.close(closeTable[code].number, reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 123));
    this.#hub.ended(this);
  }
}

function tallied({ streamsOpened, bytesIn, bytesOut, resets }: SessionTally): Partial<AgentStatus> {
  return { streamsOpened, bytesIn, bytesOut, resets };
}
