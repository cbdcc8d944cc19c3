// Keeps one authenticated connection to one hub of the tunnel: reconnects when it breaks, and puts a new one in its place
// before the old one drains when the certificate was renewed, or before the hub drains it when that goes away.
import { setTimeout as sleep } from "node:timers/promises";
import { createBackoff } from "./backoff.ts";
import type { TunnelConnection } from "./connection.ts";

/** A connection that lived this long authenticated clears the record of failures before it. */
const stableMs = 10_000;

export interface ShardOptions {
  /** Opens a connection with the identity of the moment. */
  open(): TunnelConnection;
  /** A connection is authenticated and takes streams. */
  onReady(connection: TunnelConnection): void;
  readonly nowMs: () => number;
  readonly random: () => number;
}

export interface Shard {
  /** The connection that takes new streams, if there is one. */
  active(): TunnelConnection | undefined;
  /** All that are open: the active one, one that is being made, one whose hub goes away, those that drain. */
  connections(): readonly TunnelConnection[];
  /** Opens a connection with the new identity; the old one drains once that is authenticated. */
  replace(): void;
  /** Opens nothing any more and drains what is open; resolves when all of it is finished. */
  drain(reason: string): Promise<void>;
  /** Cuts what is left. */
  terminate(): void;
}

export function startShard(options: ShardOptions): Shard {
  const { nowMs, random } = options;
  // Fast first retry (under 100 ms), then doubling to the cap.
  const backoff = createBackoff({ baseMs: 100, capMs: 10_000 }, random);
  const stopping = new AbortController();
  const connections = new Set<TunnelConnection>();
  let active: TunnelConnection | undefined;
  /** The one before, where its hub goes away: requests may be on their way there. */
  let outgoing: TunnelConnection | undefined;
  let replaced = Promise.withResolvers<"replaced">();

  const open = () => {
    const connection = options.open();
    connections.add(connection);
    void connection.closed.then(() => {
      connections.delete(connection);
      if (active === connection) active = undefined;
    });
    return connection;
  };
  const serve = async () => {
    replaced = Promise.withResolvers();
    const connection = open();
    if (!(await connection.ready)) return;
    const previous = active;
    active = connection;
    options.onReady(connection);
    // One is enough, whatever a hub does.
    void outgoing?.drain("replaced by a new connection");
    outgoing = previous?.hubLeaves ? previous : undefined;
    if (!outgoing) void previous?.drain("replaced by a new connection");
    const sinceMs = nowMs();
    await Promise.race([connection.closed, connection.goingAway, replaced.promise]);
    if (nowMs() - sinceMs >= stableMs) backoff.reset();
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      await serve();
      const delayMs = backoff.nextMs();
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  };
  void run();

  return {
    active: () => active,
    connections: () => [...connections],
    replace: () => replaced.resolve("replaced"),
    async drain(reason) {
      stopping.abort();
      await Promise.all([...connections].map((connection) => connection.drain(reason)));
    },
    terminate() {
      stopping.abort();
      for (const connection of connections) connection.terminate();
    },
  };
}
