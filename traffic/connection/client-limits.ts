// How many connections each client has open, and how many it has tried to open of late.
import type { ClientLimit } from "#contract/connection-limits.ts";
import { limits } from "#contract/limits.ts";
import { inNetworks, parseNetworks } from "../access/client-networks.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";
import { KeyTable } from "../limit/key-table.ts";
import { clientKey } from "../limit/limit-key.ts";
import { countSliding, type WindowState } from "../limit/window.ts";

interface CompiledLimit {
  readonly covers: (address: string) => boolean;
  readonly max: number;
  /** Whether one more attempt is within the rate; it counts in any case. */
  readonly isWithinRate: (key: string, nowMs: number) => boolean;
}

export class ClientLimits {
  readonly #limits: readonly CompiledLimit[];
  /** Bounded by nature: a client is in it while it has a connection. */
  readonly #open = new Map<string, number>();

  constructor(clientLimits: readonly ClientLimit[]) {
    this.#limits = clientLimits.map(compileLimit);
  }

  /** Whether a client may have one more. Whoever got true calls `leave` exactly once. */
  enter(address: string, nowMs: number): boolean {
    const key = clientKey(address);
    const open = this.#open.get(key) ?? 0;
    let isAdmitted = true;
    for (const { covers, max, isWithinRate } of this.#limits) {
      if (!covers(address)) continue;
      if (!isWithinRate(key, nowMs) || open >= max) isAdmitted = false;
    }
    if (isAdmitted) this.#open.set(key, open + 1);
    return isAdmitted;
  }

  leave(address: string): void {
    const key = clientKey(address);
    const open = this.#open.get(key) ?? 0;
    if (open > 1) this.#open.set(key, open - 1);
    else this.#open.delete(key);
  }

  /** Clients that have connections. */
  get clients(): number {
    return this.#open.size;
  }
}

function compileLimit({
  clientCIDRs,
  exceptCIDRs = [],
  maxConnections,
  rateLimit,
}: ClientLimit): CompiledLimit {
  const networks = clientCIDRs && parseNetworks(clientCIDRs);
  const exceptions = parseNetworks(exceptCIDRs);
  const counts = new KeyTable<WindowState>(limits.limitKeysPerIsolate, limits.limitKeysBytes);
  return {
    covers(text) {
      if (!networks && exceptions.length === 0) return true;
      const address = parseIpAddress(text);
      if (!address) return !networks;
      return (!networks || inNetworks(networks, address)) && !inNetworks(exceptions, address);
    },
    max: maxConnections ?? Infinity,
    isWithinRate(key, nowMs) {
      if (!rateLimit) return true;
      const { state, count } = countSliding(rateLimit.windowMs, counts.get(key), nowMs);
      counts.set(key, state);
      return Math.floor(count) <= rateLimit.connections;
    },
  };
}
