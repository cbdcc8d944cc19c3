// Keeps a session with the edge: another one before one that drains has ended, and again and again after one that broke,
// until the edge says no.
import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "#contract/limits.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { CommandError } from "../command-error.ts";
import { type EdgeSession, type EdgeTarget, openEdgeSession } from "./edge-session.ts";

const firstRetryMs = 100;
const maxRetryMs = 5_000;
/** Longest that a connection waits for a session. */
const patienceMs = 15_000;

export interface EdgeLinkEvents {
  /** For people: the edge is gone, or there again. */
  note(line: string): void;
}

export class EdgeLink {
  /** Rejects when the edge says no, resolves when the link was closed. */
  readonly ended: Promise<void>;
  readonly #target: EdgeTarget;
  readonly #events: EdgeLinkEvents;
  readonly #stop = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #sessions = new Set<EdgeSession>();
  #current: EdgeSession | undefined;
  #opening: Promise<EdgeSession> | undefined;
  #attempts = 0;

  constructor(target: EdgeTarget, events: EdgeLinkEvents) {
    this.#target = target;
    this.#events = events;
    this.ended = this.#ended.promise;
    // Whoever waits for it hears; nobody may, before the first session is there.
    this.ended.catch(() => undefined);
  }

  /** Opens the first session. Rejects with the edge's refusal, or because there is no edge. */
  async start(): Promise<void> {
    await this.#once(() => this.#open());
  }

  /** A stream for one connection; undefined when there is no session in time, or no room in it. */
  async open(handlers: StreamHandlers): Promise<TunnelStream | undefined> {
    const session = await this.#session();
    const head = {
      kind: "tcp",
      endpoint: "",
      method: "",
      scheme: "",
      authority: "",
      target: "",
      fields: [],
    } as const;
    return session?.session.open(head, handlers, false);
  }

  /** Cuts what is open. */
  async close(): Promise<void> {
    this.#stop.abort();
    const closed = [...this.#sessions].map((one) => one.closed);
    for (const { session } of this.#sessions) session.close("normal", "the client ends");
    await Promise.all(closed);
    this.#ended.resolve();
  }

  async #session(): Promise<EdgeSession | undefined> {
    const current = this.#current;
    if (current && !current.session.draining) return current;
    const late = new AbortController();
    const timeout = sleep(patienceMs, undefined, { signal: late.signal }).catch(() => undefined);
    try {
      return await Promise.race([this.#once(() => this.#retry()), timeout]);
    } catch {
      return undefined;
    } finally {
      late.abort();
    }
  }

  async #open(): Promise<EdgeSession> {
    // Each attempt at another hub: one of them may be without agents, or about to be replaced.
    const shard = this.#attempts++ % limits.hubsPerTunnel;
    const opened = await openEdgeSession(this.#target, shard, this.#stop.signal);
    this.#current = opened;
    this.#sessions.add(opened);
    void opened.closed.then(({ code, reason }) => this.#over(opened, code, reason));
    return opened;
  }

  #over(session: EdgeSession, code: string, reason: string): void {
    this.#sessions.delete(session);
    if (this.#current !== session || this.#stop.signal.aborted) return;
    this.#current = undefined;
    if (code === "revoked")
      return this.#ended.reject(new CommandError("refused", reason, { code: "forward_revoked" }));
    this.#events.note(`the edge is gone (${reason}); connecting again`);
    this.#once(() => this.#retry()).then(
      () => this.#events.note("the edge is there again"),
      () => undefined,
    );
  }

  /** Whoever needs a session while one is being opened waits for that one. */
  #once(open: () => Promise<EdgeSession>): Promise<EdgeSession> {
    this.#opening ??= open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Rejects when the edge says no, or the link is closed. */
  async #retry(): Promise<EdgeSession> {
    for (let delayMs = firstRetryMs; ; delayMs = Math.min(2 * delayMs, maxRetryMs)) {
      try {
        return await this.#open();
      } catch (error) {
        this.#stop.signal.throwIfAborted();
        if (!(error instanceof CommandError) || error.reason !== "unreachable") {
          this.#ended.reject(error as Error);
          throw error;
        }
      }
      await sleep(delayMs, undefined, { signal: this.#stop.signal });
    }
  }
}
