// TunnelHub: the Durable Object at which the connections of one shard of one tunnel end.
// It keeps nothing on disk: agents connect again after a restart, and the region's state object, which does keep its
// state, tells the rest. WebSockets are accepted plainly, not for hibernation (decision 0008).
import { DurableObject } from "cloudflare:workers";
import { limits } from "#contract/limits.ts";
import {
  hubCalls,
  hubDrainSchema,
  hubGoodbyeSchema,
  type HubDrain,
  type HubLoad,
} from "#contract/hub-call.ts";
import { hubPushSchema } from "#contract/sync.ts";
import type { HubPush, HubReport } from "#contract/sync.ts";
import { hubSettings } from "#contract/tunnel/settings.ts";
import { decodeBase64 } from "#contract/identity/pem.ts";
import { HubHandshake } from "#traffic/tunnel/hub-handshake.ts";
import type { Env } from "../env.ts";
import { AgentConnection } from "./agent-connection.ts";
import type { HubPort } from "./agent-connection.ts";
import { renewCertificate } from "./certificate-renewal.ts";
import { mergeVerdicts } from "./endpoint-verdicts.ts";
import { configMessage, HubKnowledge, trustMessage } from "./hub-knowledge.ts";
import { askForward, isRefusal } from "./forward-grant.ts";
import { HubCounters } from "./hub-counters.ts";
import { type ForwardHub, ForwardSession, forwarderSchema } from "./forward-session.ts";
import { hubsHere } from "./hubs-here.ts";
import { internalHeaders } from "./internal-headers.ts";
import { OpenRelays } from "./open-relays.ts";
import { announceHub } from "./region-link.ts";
import { serveConnection } from "./serve-connection.ts";
import { dispatchStream, type DispatchPort } from "./stream-dispatch.ts";
import { hubName, parseTunnelTarget } from "./tunnel-target.ts";
import type { TunnelTarget } from "./tunnel-target.ts";

const tickMs = 1_000;
/** How often a hub with agents tells the region's state object that it is there. */
const announceMs = 20_000;
/** One that the region has not asked for this long announces itself: the state object has no memory of hubs. */
const forgottenMs = 3_000;
/** Before a hub ends, WebSockets have this long for their closing handshake. */
const goodbyeMs = 1_000;

export class TunnelHub extends DurableObject<Env> {
  readonly #knowledge = new HubKnowledge();
  readonly #connections = new Set<AgentConnection>();
  readonly #forwarders = new Set<ForwardSession>();
  /** Those that are authenticated; made anew when one comes or goes. */
  #agents: AgentConnection[] = [];
  #target: TunnelTarget | undefined;
  #counters = new HubCounters("");
  #streamMs = Date.now();
  #askedMs = 0;
  /** The way of a hub that is replaced (decision 0011). */
  #life: "serving" | "leaving" | "draining" = "serving";
  readonly #relays = new OpenRelays();
  #ticker: ReturnType<typeof setInterval> | undefined;
  #announcedMs = 0;
  #announcing: Promise<void> | undefined;

  override async fetch(request: Request): Promise<Response> {
    const operation = request.headers.get(internalHeaders.operation);
    if (operation === "stream") {
      this.#streamMs = Date.now();
      return dispatchStream(this.#dispatch(), request);
    }
    if (operation === "connect") return this.#connect(request);
    if (operation === "forward") return this.#forward(request);
    const path = new URL(request.url).pathname;
    if (request.method === "POST" && path.endsWith("/push")) return this.#pushed(request);
    if (request.method === "POST") {
      const call = Object.values(hubCalls).find((known) => path.endsWith(known));
      if (call) return this.#called(call, await request.text());
    }
    return Response.json({ code: "not_found", message: "a hub answers /push" }, { status: 404 });
  }

  /** Connections of the data path, as `HubDoor` leads them here. Never rejects. */
  override async connect(socket: Socket): Promise<void> {
    this.#streamMs = Date.now();
    await serveConnection(this.#dispatch(), socket);
  }

  async #pushed(request: Request): Promise<Response> {
    this.#askedMs = Date.now();
    const push = hubPushSchema.safeParse(await request.json());
    if (!push.success)
      return Response.json({ code: "push_invalid", message: push.error.message }, { status: 400 });
    await this.#take(push.data);
    return Response.json(this.#report());
  }

  // --- replacement --------------------------------------------------------------------------------------------------

  #called(call: (typeof hubCalls)[keyof typeof hubCalls], body: string): Response {
    if (call === hubCalls.leave && this.#life === "serving") this.#life = "leaving";
    if (call === hubCalls.drain) this.#drain(hubDrainSchema.parse(JSON.parse(body)));
    if (call === hubCalls.goodbye) this.#relays.goodbye(hubGoodbyeSchema.parse(JSON.parse(body)));
    return Response.json(this.#load());
  }

  #load(): HubLoad {
    const agents = this.#agents.filter(({ draining }) => !draining);
    return {
      serving: agents.length,
      streams: this.#agents.reduce((sum, { streams }) => sum + streams, 0),
      quietMs: Date.now() - this.#streamMs,
    };
  }

  #drain({ timeoutMs }: HubDrain): void {
    if (this.#life === "draining") return;
    this.#life = "draining";
    const reason = "this hub is being replaced";
    this.#log("hub_draining", { agents: this.#agents.length });
    for (const agent of this.#agents) agent.leave(reason);
    for (const forwarder of this.#forwarders) forwarder.drain(reason);
    setTimeout(() => this.#relays.goodbye({ code: 1012, reason }), Math.max(0, timeoutMs - goodbyeMs));
    setTimeout(() => {
      for (const end of [...this.#forwarders, ...this.#agents]) end.end(reason);
    }, timeoutMs);
  }

  // --- agents -------------------------------------------------------------------------------------------------------

  /** `TunnelDoor` has verified the transport and overwritten every internal header. */
  #connect(request: Request): Response {
    const url = new URL(request.url);
    const target = parseTunnelTarget(url);
    const certificate = request.headers.get(internalHeaders.transportCertificate);
    if (!target || !certificate) return new Response(null, { status: 400 });
    if (this.#life === "draining") {
      return Response.json({ code: "unavailable", message: "this hub is being replaced" }, { status: 503 });
    }
    this.#isHere(target);
    const unauthenticated = this.#connections.size - this.#agents.length;
    if (
      this.#connections.size >= limits.connectionsPerHub ||
      unauthenticated >= limits.unauthenticatedPerHub
    ) {
      this.#log("tunnel_refused", { code: "flood", reason: "too many connections" });
      return Response.json({ code: "flood", message: "this hub has too many connections" }, { status: 503 });
    }
    const [client, server] = Object.values(new WebSocketPair());
    const id = crypto.randomUUID();
    const handshake = new HubHandshake({
      ...target,
      connection: id,
      nonce: crypto.getRandomValues(new Uint8Array(32)),
      authority: authorityOf(url),
      path: url.pathname,
      transportCertificate: decodeBase64(certificate),
      settings: hubSettings,
    });
    this.#connections.add(new AgentConnection(id, server!, handshake, this.#port(target), Date.now()));
    return new Response(null, { status: 101, webSocket: client! });
  }

  #isHere(target: TunnelTarget): void {
    if (!this.#target) this.#counters = new HubCounters(target.tunnel);
    this.#target ??= target;
    hubsHere.add(hubName(target));
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
      knowsEndpoint: (key) => this.#knowledge.knowsEndpoint(key),
      renew: (identity, message) => renewCertificate(this.env.CONTROL, identity, message),
      ended: (connection) => {
        if (connection.session) this.#counters.look(connection.session.tally);
        this.#connections.delete(connection);
        this.#agentsChanged();
      },
      log: (event, fields) => this.#log(event, fields),
    };
  }

  // --- port forwarding ----------------------------------------------------------------------------------------------

  /** The door has asked the control, and overwritten every internal header. */
  #forward(request: Request): Response {
    const target = parseTunnelTarget(new URL(request.url));
    const forwarder = forwarderSchema.safeParse(
      JSON.parse(decodeURIComponent(request.headers.get(internalHeaders.forwarder) ?? "null")),
    );
    if (!target || !forwarder.success) return new Response(null, { status: 400 });
    if (this.#life === "draining" || this.#forwarders.size >= limits.forwardersPerHub) {
      const message = "this hub is being replaced, or has too many clients";
      return Response.json({ code: "unavailable", message }, { status: 503 });
    }
    this.#isHere(target);
    const [client, server] = Object.values(new WebSocketPair());
    const hub = this.#forwardHub(target);
    this.#forwarders.add(new ForwardSession(crypto.randomUUID(), server!, forwarder.data, hub, Date.now()));
    return new Response(null, { status: 101, webSocket: client! });
  }

  #forwardHub(target: TunnelTarget): ForwardHub {
    const { agents, zoneOf, random } = this.#dispatch();
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
        const answer = await askForward(this.env.CONTROL, { name: backend, tokenId });
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
      log: (event, fields) => this.#log(event, fields),
    };
  }

  #dispatch(): DispatchPort {
    return {
      agents: () => this.#agents,
      relays: this.#relays,
      zoneOf: (endpoint) => this.#knowledge.zoneOf(endpoint) ?? this.env.ZONE,
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
    if (this.#target) hubsHere.delete(hubName(this.#target));
    if (this.#ticker !== undefined) clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #tick(): void {
    const nowMs = Date.now();
    for (const one of [...this.#connections, ...this.#forwarders]) one.tick(nowMs);
    this.#moveWaiting();
    if (this.#agents.length === 0 || this.#life === "draining") return;
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
      await this.#take(await announceHub(this.env, this.#target));
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

  #report(): HubReport {
    for (const { session } of this.#agents) if (session) this.#counters.look(session.tally);
    return {
      counters: this.#counters.take(),
      ...(this.#life !== "serving" && { leaving: true }),
      trustVersion: this.#knowledge.trustVersion,
      configVersion: this.#knowledge.configVersion,
      agents: this.#agents.flatMap((agent) => agent.status() ?? []),
      endpoints: mergeVerdicts(this.#agents.map((agent) => agent.verdicts)),
    };
  }

  #log(event: string, fields: Record<string, unknown>): void {
    const line = JSON.stringify({ event, ...this.#target, ...fields });
    if (quietEvents.has(event)) console.info(line);
    else console.warn(line);
  }
}

/** The normal life of a connection; everything else in the log is a warning. */
const quietEvents: ReadonlySet<string> = new Set([
  "tunnel_connected",
  "tunnel_draining",
  "hub_draining",
  "forward_session_opened",
  "forward_session_closed",
  "forward_opened",
  "forward_closed",
]);

/** What the agent dialled, as RFC 9421 §2.2.3 writes it: lower case, without TLS's default port. */
function authorityOf(url: URL): string {
  return url.host.replace(/:443$/, "");
}
