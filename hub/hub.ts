// The hub of one shard of one tunnel: its agents, the clients that forward ports, what it knows of its region, and how it
// is replaced. It keeps nothing: agents connect again after a restart, and the region's state object, which does keep its
// state, tells the rest. A shell gives it sockets and requests.
import { limits } from "#contract/limits.ts";
import { hubCalls, type HubEnd, hubEndSchema, hubGoodbyeSchema, type HubLoad } from "#contract/hub-call.ts";
import { type ApiError, hubPushSchema } from "#contract/sync.ts";
import type { HubPush, HubReport } from "#contract/sync.ts";
import { hubSettings } from "#contract/tunnel/settings.ts";
import type { TunnelTarget } from "#contract/tunnel/target.ts";
import { HubHandshake } from "#traffic/tunnel/hub-handshake.ts";
import { AgentConnection } from "./agent-connection.ts";
import type { HubPort } from "./agent-connection.ts";
import { awakeDelay } from "./awake-delay.ts";
import { renewCertificate } from "./certificate-renewal.ts";
import { mergeVerdicts } from "./endpoint-verdicts.ts";
import { configMessage, HubKnowledge, trustMessage } from "./hub-knowledge.ts";
import { askForward, isRefusal } from "./forward-grant.ts";
import { HubCounters } from "./hub-counters.ts";
import { type Forwarder, type ForwardHub, ForwardSession } from "./forward-session.ts";
import type { HttpCall } from "./http-call.ts";
import type { HubRuntime } from "./hub-runtime.ts";
import { OpenRelays } from "./open-relays.ts";
import type { PeerSocket } from "./peer-socket.ts";
import { dispatchStream, type DispatchPort } from "./stream-dispatch.ts";

const tickMs = 1_000;
/** How often a hub with agents tells the region's state object that it is there. */
const announceMs = 20_000;
/** One that the region has not asked for this long announces itself: the state object has no memory of hubs. */
const forgottenMs = 3_000;
/** Before a hub ends, WebSockets have this long for their closing handshake. */
const goodbyeMs = 1_000;
const replaced = "this hub is being replaced";

export type HubCall = (typeof hubCalls)[keyof typeof hubCalls];

/** An agent's connection as its door has let it in. */
export interface AgentArrival {
  readonly target: TunnelTarget;
  /** What the agent dialled, which its proof is about: lower case, without TLS's default port (RFC 9421 §2.2.3). */
  readonly authority: string;
  readonly path: string;
  /** Of the TLS connection, in DER. */
  readonly transportCertificate: Uint8Array;
}

/** Why a connection is not accepted. */
export interface Refusal {
  readonly status: number;
  readonly error: ApiError;
}

export class Hub {
  /** Known from the first connection on. */
  #target: TunnelTarget | undefined;
  readonly #runtime: HubRuntime;
  readonly #knowledge = new HubKnowledge();
  readonly #connections = new Set<AgentConnection>();
  readonly #forwarders = new Set<ForwardSession>();
  /** Those that are authenticated; made anew when one comes or goes. */
  #agents: AgentConnection[] = [];
  #counters = new HubCounters("");
  readonly #dispatch: DispatchPort;
  #streamMs = Date.now();
  #askedMs = 0;
  /** The way of a hub that is replaced (decision 0011). */
  #life: "serving" | "leaving" | "ending" = "serving";
  readonly #relays = new OpenRelays();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #announcedMs = 0;
  #announcing: Promise<void> | undefined;

  constructor(runtime: HubRuntime) {
    this.#runtime = runtime;
    this.#dispatch = this.#createDispatch();
  }

  /** Somebody is connected. */
  get isOccupied(): boolean {
    return this.#ticker !== undefined;
  }

  /** Time since a gateway last asked for a stream. */
  get quietMs(): number {
    return Date.now() - this.#streamMs;
  }

  /** A request of the data path. Never rejects. */
  request<A>(call: HttpCall<A>): Promise<A> {
    return dispatchStream(this.streams(), call);
  }

  /** For whoever wants a stream now. */
  streams(): DispatchPort {
    this.#streamMs = Date.now();
    return this.#dispatch;
  }

  /** The region's exchange. Undefined where `push` is no `HubPush`. */
  async exchange(push: unknown): Promise<HubReport | undefined> {
    this.#askedMs = Date.now();
    const parsed = hubPushSchema.safeParse(push);
    if (!parsed.success) return undefined;
    await this.#take(parsed.data);
    return this.#report(parsed.data);
  }

  // --- replacement --------------------------------------------------------------------------------------------------

  /** A call of the supervisor; `body` as `contract/hub-call.ts` has it. */
  obey(call: HubCall, body: unknown): HubLoad {
    if (call === hubCalls.leave) this.#leave();
    if (call === hubCalls.end) void this.#end(hubEndSchema.parse(body));
    if (call === hubCalls.goodbye) this.#relays.goodbye(hubGoodbyeSchema.parse(body));
    return this.#load();
  }

  #load(): HubLoad {
    const agents = this.#agents.filter(({ draining }) => !draining);
    return {
      serving: agents.length,
      streams: this.#agents.reduce((sum, { streams }) => sum + streams, 0),
    };
  }

  #leave(): void {
    if (this.#life !== "serving") return;
    this.#life = "leaving";
    this.#log("hub_leaving", { agents: this.#agents.length });
    for (const agent of this.#agents) agent.leave(replaced);
  }

  async #end({ timeoutMs }: HubEnd): Promise<void> {
    if (this.#life === "ending") return;
    this.#life = "ending";
    const reason = replaced;
    for (const forwarder of this.#forwarders) forwarder.drain(reason);
    await awakeDelay(Math.max(0, timeoutMs - goodbyeMs));
    this.#relays.goodbye({ code: 1012, reason });
    await awakeDelay(goodbyeMs + limits.keptConnectionMs);
    for (const end of [...this.#forwarders, ...this.#agents]) end.end(reason);
  }

  /** Nobody asks for streams any more: agents' connections are closed once those that are open have come to their end. */
  drain(): void {
    this.#log("hub_draining", { agents: this.#agents.length });
    for (const agent of this.#agents) agent.drain(replaced);
  }

  // --- agents -------------------------------------------------------------------------------------------------------

  /** The door has verified the transport. `accept` completes the WebSocket's handshake; throws as it does. */
  connect(arrival: AgentArrival, accept: () => PeerSocket): Refusal | undefined {
    if (this.#life !== "serving") return unavailable(replaced);
    const unauthenticated = this.#connections.size - this.#agents.length;
    if (
      this.#connections.size >= limits.connectionsPerHub ||
      unauthenticated >= limits.unauthenticatedPerHub
    ) {
      return unavailable("this hub has too many connections");
    }
    const { target, ...dialled } = arrival;
    const socket = accept();
    this.#occupy(target);
    const id = crypto.randomUUID();
    const handshake = new HubHandshake({
      ...target,
      ...dialled,
      connection: id,
      nonce: crypto.getRandomValues(new Uint8Array(32)),
      settings: hubSettings,
    });
    this.#connections.add(new AgentConnection(id, socket, handshake, this.#port(target), Date.now()));
    return undefined;
  }

  #occupy(target: TunnelTarget): void {
    if (!this.#target) this.#counters = new HubCounters(target.tunnel);
    this.#target ??= target;
    this.#ticker ??= setInterval(() => this.#tick(), tickMs);
  }

  #port(target: TunnelTarget): HubPort {
    return {
      ...target,
      trust: async () => {
        if (!this.#knowledge.trust) await this.#announce();
        return this.#knowledge.trust;
      },
      greeting: () => {
        this.#agentsChanged();
        return this.#knowledge.messages();
      },
      counters: this.#counters,
      createFlushing: () => this.#runtime.createFlushing(),
      knowsEndpoint: (key) => this.#knowledge.knowsEndpoint(key),
      renew: (identity, message) => renewCertificate(this.#runtime.askControl, identity, message),
      ended: (connection) => {
        if (connection.session) this.#counters.look(connection.session.tally);
        this.#connections.delete(connection);
        this.#agentsChanged();
      },
      log: (event, fields) => this.#log(event, fields),
    };
  }

  // --- port forwarding ----------------------------------------------------------------------------------------------

  /** The door has asked the control. */
  forward(target: TunnelTarget, forwarder: Forwarder, accept: () => PeerSocket): Refusal | undefined {
    if (this.#life !== "serving" || this.#forwarders.size >= limits.forwardersPerHub) {
      return unavailable("this hub is being replaced, or has too many clients");
    }
    const socket = accept();
    this.#occupy(target);
    const hub = this.#forwardHub(target);
    this.#forwarders.add(new ForwardSession(crypto.randomUUID(), socket, forwarder, hub, Date.now()));
    return undefined;
  }

  #forwardHub(target: TunnelTarget): ForwardHub {
    const { agents, zoneOf, random } = this.#dispatch;
    return {
      agents,
      zoneOf,
      random,
      endpointsOf: async (backend) => {
        if (this.#knowledge.configVersion === 0) await this.#announce();
        const merged = mergeVerdicts(this.#agents.map(({ verdicts }) => verdicts));
        return this.#knowledge.endpointsOf(backend, (key) => merged[key]?.healthy, random);
      },
      forbidden: async ({ backend, tokenId }) => {
        const answer = await askForward(this.#runtime.askControl, { name: backend, tokenId });
        if (!isRefusal(answer)) {
          return answer.tunnel === target.tunnel
            ? undefined
            : `${backend} has moved to the tunnel ${answer.tunnel}`;
        }
        // Who cannot be asked takes nothing back.
        return answer.status >= 500 ? undefined : answer.error.message;
      },
      ended: (session) => {
        this.#forwarders.delete(session);
        this.#someoneLeft();
      },
      counters: this.#counters,
      createFlushing: () => this.#runtime.createFlushing(),
      log: (event, fields) => this.#log(event, fields),
    };
  }

  #createDispatch(): DispatchPort {
    return {
      agents: () => this.#agents,
      relays: this.#relays,
      zoneOf: (endpoint) => this.#knowledge.zoneOf(endpoint) ?? this.#runtime.zone,
      random: Math.random,
      failed: ({ id: connection }, { endpoint, fields }, { stream, reset: { code, detail } }) => {
        // That its client left is no failure.
        if (code === "cancelled") return;
        const requestId = fields.find(([name]) => name === "x-request-id")?.[1].slice(0, 128);
        this.#log("tunnel_stream_failed", { connection, stream, endpoint, code, detail, requestId });
      },
    };
  }

  #agentsChanged(): void {
    const hadNone = this.#agents.length === 0;
    this.#agents = [...this.#connections].filter((connection) => connection.authenticated);
    if (hadNone && this.#agents.length > 0) void this.#announce();
    this.#someoneLeft();
  }

  #someoneLeft(): void {
    if (this.#connections.size + this.#forwarders.size > 0) return;
    if (this.#ticker !== undefined) clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #tick(): void {
    const nowMs = Date.now();
    for (const one of [...this.#connections, ...this.#forwarders]) one.tick(nowMs);
    this.#moveWaiting();
    if (this.#agents.length === 0 || this.#life !== "serving") return;
    const heardMs = Math.max(this.#askedMs, this.#announcedMs);
    if (nowMs - this.#announcedMs >= announceMs || nowMs - heardMs >= forgottenMs) void this.#announce();
  }

  /** What may be repeated does not wait for an agent that hangs while another one does not. */
  #moveWaiting(): void {
    if (!this.#agents.some((agent) => agent.responsive && !agent.draining)) return;
    for (const agent of this.#agents) {
      if (agent.responsive) continue;
      for (const exchange of agent.waiting) exchange.moveOn();
    }
  }

  // --- region -------------------------------------------------------------------------------------------------------

  /** Tells the region's state object that this hub is there and takes what it answers. Never rejects. */
  #announce(): Promise<void> {
    this.#announcing ??= this.#askRegion().finally(() => {
      this.#announcing = undefined;
    });
    return this.#announcing;
  }

  async #askRegion(): Promise<void> {
    if (!this.#target) return;
    this.#announcedMs = Date.now();
    try {
      await this.#take(await this.#runtime.announce(this.#target));
    } catch (error) {
      this.#log("tunnel_region_unavailable", { reason: String(error) });
    }
  }

  async #take(push: HubPush): Promise<void> {
    const { trust, config } = this.#knowledge.take(push);
    if (config) {
      for (const agent of this.#agents) {
        agent.verdicts.retain((key) => this.#knowledge.knowsEndpoint(key));
        agent.send(configMessage(config));
      }
    }
    if (trust) {
      const nowMs = Date.now();
      for (const agent of this.#agents) agent.send(trustMessage(trust));
      await Promise.all(this.#agents.map((agent) => agent.checkTrust(trust, nowMs)));
    }
  }

  #report({ countersTaken }: HubPush): HubReport {
    for (const { session } of this.#agents) if (session) this.#counters.look(session.tally);
    return {
      ...this.#counters.handOver(countersTaken, crypto.randomUUID()),
      trustVersion: this.#knowledge.trustVersion,
      configVersion: this.#knowledge.configVersion,
      agents: this.#agents.flatMap((agent) => agent.status() ?? []),
      endpoints: mergeVerdicts(this.#agents.map((agent) => agent.verdicts)),
    };
  }

  #log(event: string, fields: Record<string, unknown>): void {
    const line = JSON.stringify({ event, ...this.#target, ...fields });
    this.#runtime.log(quietEvents.has(event) ? "info" : "warn", line);
  }
}

/** The normal life of a connection; everything else in the log is a warning. */
const quietEvents: ReadonlySet<string> = new Set([
  "tunnel_connected",
  "tunnel_draining",
  "hub_leaving",
  "hub_draining",
  "forward_session_opened",
  "forward_session_closed",
  "forward_opened",
  "forward_closed",
]);

function unavailable(message: string): Refusal {
  return { status: 503, error: { code: "unavailable", message } };
}
