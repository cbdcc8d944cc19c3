// For which hosts requests can get to a route at all: the most specific name that covers a request's host decides over
// listener and routes, so that nothing is left of a name all of whose hosts a listener has more specific names for.
import { isLayer4 } from "#contract/snapshot.ts";
import type { NativeConfig, NativeListener, NativeRoute } from "../native/schema.ts";

/** Lower case; `""` stands for every host. */
type Host = string;

export interface OpenHosts {
  /** Hostname of a route that has all hosts of this one at the listener; `undefined`: some are left, or none was there. */
  takerOf(listener: string, host: string): Host | undefined;
}

interface Place {
  readonly hosts: readonly Host[];
  /** Of the other listeners of the port. */
  readonly others: ReadonlySet<Host>;
  /** Of the routes. */
  readonly claimed: Set<Host>;
}

export function openHosts(
  config: NativeConfig,
  listenersOf: (route: NativeRoute) => readonly string[],
): OpenHosts {
  const places = placesOf(config.listeners.filter((listener) => !isLayer4(listener)));
  for (const route of places.size > 0 ? config.routes : []) {
    for (const listener of listenersOf(route)) {
      const place = places.get(listener);
      for (const host of place ? hostsOf(route) : []) place!.claimed.add(host);
    }
  }
  return {
    takerOf(listener, host) {
      const place = places.get(listener);
      if (!place) return undefined;
      let taker: Host | undefined;
      for (const served of place.hosts) {
        const common = covers(served, host) ? host : covers(host, served) ? served : undefined;
        // A more specific listener has its requests; the Gateway API calls that isolation.
        if (common === undefined || between(place.others, common, served) !== undefined) continue;
        const name = common === host ? undefined : between(place.claimed, common, host);
        if (name === undefined) return undefined;
        taker ??= name;
      }
      return taker;
    },
  };
}

/** Only where routes may have wider hostnames than the listener. */
function placesOf(listeners: readonly NativeListener[]): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const group of Map.groupBy(listeners, ({ protocol, port }) => `${protocol}:${port}`).values()) {
    for (const listener of group) {
      if (listener.hostnames.length === 0) continue;
      const others = group.filter((other) => other !== listener).flatMap(hostsOf);
      places.set(listener.name, { hosts: hostsOf(listener), others: new Set(others), claimed: new Set() });
    }
  }
  return places;
}

/** The name of the set that covers all of `host` and is more specific than `wider`, if there is one. */
function between(names: ReadonlySet<Host>, host: Host, wider: Host): Host | undefined {
  for (let name: Host | undefined = host; name !== undefined && name !== wider; name = widerThan(name)) {
    if (names.has(name)) return name;
  }
  return undefined;
}

/** `*.b.c` for `a.b.c`, `*.c` for `*.b.c`, every host for `*.c`. */
function widerThan(host: Host): Host | undefined {
  if (host === "") return undefined;
  const dot = host.indexOf(".", host.startsWith("*.") ? 2 : 0);
  return dot < 0 ? "" : `*${host.slice(dot)}`;
}

function covers(wide: Host, narrow: Host): boolean {
  return wide === narrow || wide === "" || (wide.startsWith("*.") && narrow.endsWith(wide.slice(1)));
}

export function hostsOf({ hostnames }: { readonly hostnames: readonly string[] }): Host[] {
  if (hostnames.length === 0) return [""];
  return [...new Set(hostnames.map((hostname) => hostname.toLowerCase()))];
}
