// Connections have one route each: of several that want the same ones, the oldest gets them (Gateway API, Conflicts). The
// others stay accepted, for they may have something else.
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { AnyRoute } from "./attachment.ts";
import type { Listener } from "./listener.ts";

/** Listeners of which a route has the same host names. */
export interface ClaimedPart {
  readonly listeners: readonly Listener[];
  readonly hostnames: string[];
}

export interface ConnectionClaims {
  /** Those listeners of which nobody has anything yet. */
  takeWhole(route: AnyRoute, listeners: readonly Listener[]): Listener[];
  /** What is left of the host names on each listener. None: every name. */
  take(route: AnyRoute, listeners: readonly Listener[], hostnames: readonly string[]): ClaimedPart[];
}

/** Stands for every name of a listener, those of TLS and those that nobody sends. */
const everything = "*";

/** Routes are to come in the order of their age. */
export function createConnectionClaims(notes: Notes): ConnectionClaims {
  /** By listener, then by host name; `""`: the route for all names that no other has. */
  const taken = new Map<Listener, Map<string, AnyRoute>>();
  const claimsOf = (listener: Listener): Map<string, AnyRoute> => {
    const claims = taken.get(listener) ?? new Map<string, AnyRoute>();
    taken.set(listener, claims);
    return claims;
  };
  const noteTaken = (route: AnyRoute, what: string, listener: Listener, owner: AnyRoute): void =>
    notes.add(fieldOf(route.object, "spec"), {
      code: "route-superseded",
      message: `${owner.object.kind} ${qualifiedName(owner)}, which is older, has ${what} of listener ${listener.id}`,
      remedy: "Share them by weight in one route, or give each route a listener or host names of its own.",
    });
  return {
    takeWhole: (route, listeners) =>
      listeners.filter((listener) => {
        const claims = claimsOf(listener);
        const [owner] = claims.values();
        if (owner) noteTaken(route, "connections", listener, owner);
        else claims.set(everything, route);
        return !owner;
      }),
    take: (route, listeners, hostnames) => {
      const wanted =
        hostnames.length === 0 ? [""] : [...new Set(hostnames.map((name) => name.toLowerCase()))];
      const parts = new Map<string, { listeners: Listener[]; hostnames: string[] }>();
      for (const listener of listeners) {
        const claims = claimsOf(listener);
        const free = wanted.filter((hostname) => {
          const owner = claims.get(everything) ?? claims.get(hostname);
          if (owner) noteTaken(route, hostname || "the connections", listener, owner);
          else claims.set(hostname, route);
          return !owner;
        });
        if (free.length === 0) continue;
        const key = free.join(" ");
        const part = parts.get(key) ?? { listeners: [], hostnames: free.filter((name) => name !== "") };
        parts.set(key, part);
        part.listeners.push(listener);
      }
      return [...parts.values()];
    },
  };
}
