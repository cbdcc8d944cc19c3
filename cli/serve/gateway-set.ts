// The gateway processes. A change of the direct endpoints changes their configuration: each is replaced by a successor on
// the same sockets, which accepts before the old one stops accepting.
import type { DirectEndpoint } from "./direct-endpoints.ts";
import { sameEndpoints } from "./direct-endpoints.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";

export interface GatewaySet {
  /** Starts the first processes; resolves when all serve. */
  start(endpoints: readonly DirectEndpoint[]): Promise<void>;
  /** Replaces the processes one by one if the endpoints differ from those they run with. */
  roll(endpoints: readonly DirectEndpoint[]): Promise<void>;
  stop(graceMs: number): Promise<void>;
}

export interface GatewaySetOptions {
  readonly names: readonly string[];
  readonly drainTimeoutMs: number;
  startOne(name: string, endpoints: readonly DirectEndpoint[]): StartedChild;
  log(line: string): void;
}

export function createGatewaySet({ names, drainTimeoutMs, startOne, log }: GatewaySetOptions): GatewaySet {
  const running = new Map<string, KeptProcess>();
  const draining = new Set<Promise<void>>();
  let current: readonly DirectEndpoint[] = [];
  let stopped = false;

  const keep = (name: string): KeptProcess => {
    const endpoints = current;
    return keepRunning(name, () => startOne(name, endpoints), log);
  };

  async function replace(name: string): Promise<void> {
    const old = running.get(name);
    const next = keep(name);
    try {
      await next.ready;
    } catch (error) {
      log(`${name}: the successor did not start, the old process stays: ${(error as Error).message}`);
      return;
    }
    // A stop that came meanwhile has seen only the old one.
    if (stopped) return next.stop(drainTimeoutMs);
    running.set(name, next);
    const drained = old?.stop(drainTimeoutMs).finally(() => draining.delete(drained!));
    if (drained) draining.add(drained);
  }

  return {
    async start(endpoints) {
      current = endpoints;
      for (const name of names) running.set(name, keep(name));
      await Promise.all([...running.values()].map(({ ready }) => ready));
    },
    async roll(endpoints) {
      if (sameEndpoints(current, endpoints)) return;
      current = endpoints;
      log(`${endpoints.length} direct endpoints now: replacing the gateway processes`);
      for (const name of names) if (!stopped) await replace(name);
    },
    async stop(graceMs) {
      stopped = true;
      await Promise.all([...draining, ...[...running.values()].map((process) => process.stop(graceMs))]);
    },
  };
}
