// The host names of an HTTPRoute or GRPCRoute at each of its listeners. Where a listener's name is narrower than the route's,
// the route has the listener's: it stands beside routes that name that host, and both have its requests, by their rules.
import { hostnamesOf, type Listener } from "./listener.ts";

export interface HostnamePart {
  readonly listeners: Listener[];
  readonly hostnames: string[];
}

/** One part for all listeners at which the names are the same. */
export function hostnameParts(hostnames: readonly string[], listeners: readonly Listener[]): HostnamePart[] {
  const parts = new Map<string, HostnamePart>();
  for (const listener of listeners) {
    const names = namesAt(hostnames, hostnamesOf(listener));
    const key = JSON.stringify(names);
    const part = parts.get(key);
    if (part) part.listeners.push(listener);
    else parts.set(key, { listeners: [listener], hostnames: names });
  }
  return [...parts.values()];
}

function namesAt(own: readonly string[], listener: readonly string[]): string[] {
  const narrower = listener.filter((name) => own.length === 0 || own.some((wide) => covers(wide, name)));
  return [...new Set([...own, ...narrower])];
}

/** `*` stands for one label or more. */
function covers(wide: string, name: string): boolean {
  return wide.startsWith("*.") && name.toLowerCase().endsWith(wide.slice(1).toLowerCase());
}
