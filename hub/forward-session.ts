// One client that forwards ports, at a hub: a WebSocket with the tunnel's session machine on it, for one backend. The door
// has found out who it is; the control is asked again now and then whether it still may (decision 0015).
import { limits } from "#contract/limits.ts";
import { forwardGrantSchema } from "#contract/port-forward.ts";
import { nameSchema } from "#contract/snapshot.ts";
import { closeCodeOf, closeTable, type CloseCode, type ResetCode } from "#contract/tunnel/code.ts";
import { agentSettings, forwardHubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { z } from "zod";
import type { HubCounters } from "./hub-counters.ts";
import { ForwardedConnection, type ForwardPort } from "./forwarded-connection.ts";
import type { Flushing } from "./hub-runtime.ts";
import type { PeerSocket } from "./peer-socket.ts";

export const forwarderSchema = z.strictObject({
  ...forwardGrantSchema.pick({ principal: true, tokenId: true }).shape,
  backend: nameSchema,
  /** Address, for the log. */
  client: z.string(),
});
export type Forwarder = z.infer<typeof forwarderSchema>;

export interface ForwardHub extends ForwardPort {
  /** Undefined while it still may, or nobody can tell; else why not. Never rejects. */
  forbidden(forwarder: Forwarder): Promise<string | undefined>;
  readonly counters: HubCounters;
  createFlushing(): Flushing;
  ended(session: ForwardSession): void;
  log(event: string, fields: Record<string, unknown>): void;
}

export class ForwardSession {
  readonly #id: string;
  readonly #socket: PeerSocket;
  readonly #forwarder: Forwarder;
  readonly #hub: ForwardHub;
  readonly #session: TunnelSession;
  #checkedMs: number;
  #checking = false;
  #over = false;

  constructor(id: string, socket: PeerSocket, forwarder: Forwarder, hub: ForwardHub, nowMs: number) {
    this.#id = id;
    this.#socket = socket;
    this.#forwarder = forwarder;
    this.#hub = hub;
    this.#checkedMs = nowMs;
    const flushing = hub.createFlushing();
    this.#session = new TunnelSession(
      {
        role: "edge",
        local: forwardHubSettings,
        remote: agentSettings,
        send: (message, giveBack) => socket.send(message, giveBack),
        schedule: (flush) => flushing(flush, this.streams),
        handlers: {
          onStream: (stream, { kind }) => (kind === "tcp" ? this.#accept(stream) : "refused"),
          onControl: () => undefined,
          onDrained: () => this.#close("normal", "drained"),
          onClose: ({ code, reason }) => this.#close(code, reason),
        },
      },
      nowMs,
    );
    socket.listen({
      onMessage: (message, isText) => {
        if (isText) this.#session.close("protocol_error", "a text message");
        else this.#session.receive(message, Date.now());
      },
      onClose: (code, reason) => this.#lost(closeCodeOf(code), reason),
      onError: () => this.#lost("internal", "the client's WebSocket broke"),
    });
    this.#log("forward_session_opened");
  }

  get streams(): number {
    return this.#session.streams;
  }

  /** Pings, and whether the client still may. About once a second. */
  tick(nowMs: number): void {
    this.#session.tick(nowMs);
    if (this.#checking || nowMs - this.#checkedMs < limits.forwardRecheckMs) return;
    this.#checkedMs = nowMs;
    void this.#check();
  }

  /** Open connections go on, new ones are the successor's. */
  drain(reason: string): void {
    this.#session.drain(reason);
  }

  end(reason: string): void {
    this.#session.close("normal", reason);
  }

  async #check(): Promise<void> {
    this.#checking = true;
    const reason = await this.#hub.forbidden(this.#forwarder);
    this.#checking = false;
    if (reason !== undefined) this.#session.close("revoked", reason);
  }

  #accept(stream: TunnelStream): StreamHandlers | ResetCode {
    const startedMs = Date.now();
    const connection = new ForwardedConnection(stream, this.#hub, ({ reset, by, ...facts }) => {
      const cut = reset && {
        code: reset.code,
        by: by === "opener" ? "client" : "tunnel",
        reason: reset.detail,
      };
      const { backend } = this.#forwarder;
      const { counters } = this.#hub;
      counters.add("forwards_total", { backend, result: reset?.code ?? "ok" });
      counters.add("forward_bytes_total", { backend, direction: "in" }, facts.bytesIn);
      counters.add("forward_bytes_total", { backend, direction: "out" }, facts.bytesOut);
      this.#log("forward_closed", {
        stream: stream.id,
        ...facts,
        durationMs: Date.now() - startedMs,
        ...cut,
      });
    });
    this.#log("forward_opened", { stream: stream.id });
    void connection.reach(this.#forwarder.backend);
    return connection.handlers;
  }

  #lost(code: CloseCode, reason: string): void {
    if (this.#over) return;
    this.#session.lost(reason || "the client's WebSocket closed", code);
    this.#close("normal", reason);
  }

  #close(code: CloseCode, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#log("forward_session_closed", { code, reason });
    this.#socket.close(closeTable[code].number, reason.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 123));
    this.#hub.ended(this);
  }

  /** Who reached what, and by which connection: what an audit needs. Nothing of the bytes. */
  #log(event: string, fields: Record<string, unknown> = {}): void {
    const { principal, tokenId, backend, client } = this.#forwarder;
    this.#hub.log(event, { session: this.#id, principal, token: tokenId, backend, client, ...fields });
  }
}
