// Listeners that cannot be told apart, or not served on one port. Gateways that accept at the same addresses of the machine
// are one set (GatewaySpec, "Distinct Listeners": implementations may merge Gateways).
import { parseAddress } from "../native/address.ts";
import { hostnameIndex } from "../check/hostname-index.ts";
import type { Problem } from "./condition.ts";
import { usableAddresses } from "./gateway-addresses.ts";
import { hostnamesOf, type Listener } from "./listener.ts";

export interface ListenerConflicts {
  /** Those that are not served because of others. */
  readonly problems: ReadonlyMap<Listener, Problem>;
  /** Listener of another Gateway in the same namespace, for the same requests, that this one is served as. */
  readonly sharedWith: ReadonlyMap<Listener, Listener>;
}

/**
 * `owners`: the listeners of each object, those that go first first. Within an object none of the listeners in conflict is
 * served; between objects the one that goes first is (ListenerSet, "Conflict Management").
 */
export function findConflicts(owners: readonly (readonly Listener[])[]): ListenerConflicts {
  const problems = new Map<Listener, Problem>();
  const sharedWith = new Map<Listener, Listener>();
  const taken = new Map<number, Listener[]>();
  for (const listeners of owners) {
    const wanted = listeners.filter(({ unsupported }) => !unsupported);
    const onPort = (listener: Listener) => taken.get(listener.spec.port) ?? [];
    // What others have is not to be had, and no reason to refuse the rest of its own object.
    for (const listener of wanted) {
      const rival = onPort(listener).find((other) => clash(listener, other) && !canShare(listener, other));
      if (rival) problems.set(listener, problemWith(listener, rival));
    }
    const candidates = wanted.filter((listener) => !problems.has(listener));
    for (const listener of candidates) {
      const sibling = candidates.find((other) => other !== listener && clash(listener, other));
      const shared = onPort(listener).find((other) => clash(listener, other));
      if (sibling) problems.set(listener, problemWith(listener, sibling));
      else if (shared) sharedWith.set(listener, shared);
    }
    for (const listener of candidates) {
      if (problems.has(listener) || sharedWith.has(listener)) continue;
      const { port } = listener.spec;
      taken.set(port, [...(taken.get(port) ?? []), listener]);
    }
  }
  return { problems, sharedWith };
}

function isSameProtocol({ spec: a }: Listener, { spec: b }: Listener): boolean {
  return a.protocol === b.protocol && modeOf(a) === modeOf(b);
}

/** HTTPS, and TLS that passes through: the server name says which. */
function areToldApart({ spec: a }: Listener, { spec: b }: Listener): boolean {
  const [tls, https] = a.protocol === "TLS" ? [a, b] : [b, a];
  return https.protocol === "HTTPS" && tls.protocol === "TLS" && modeOf(tls) === "Passthrough";
}

/** Whether clients are asked for the same certificates, which is settled before a host is known. */
function isSameValidation({ frontendValidation: a }: Listener, { frontendValidation: b }: Listener): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function modeOf({ tls }: Listener["spec"]): "Terminate" | "Passthrough" {
  return tls?.mode ?? "Terminate";
}

function clash(listener: Listener, other: Listener): boolean {
  if (listener.spec.port !== other.spec.port) return false;
  const [hostname = ""] = hostnamesOf(listener);
  const [taken = ""] = hostnamesOf(other);
  const isOneOwner = listener.gateway.namespace === other.gateway.namespace;
  const [own, others] = [addressesOf(listener), addressesOf(other)];
  if (own.length > 0 && others.length > 0 && !own.some((address) => others.includes(address))) return false;
  // At an address that only one of them names, it has the host.
  if (own.length > 0 !== others.length > 0 && isOneOwner && hostname === taken) return false;
  const areApart = areToldApart(listener, other);
  if (!areApart && !isSameProtocol(listener, other)) return true;
  if (listener.spec.protocol === "TCP") return true;
  if (!areApart && !isSameValidation(listener, other)) return true;
  // The owner of a Gateway in another namespace has no say here, and a more specific host name would take requests away
  // from this one.
  if (!isOneOwner) return overlap(hostname, taken);
  return hostname === taken;
}

/** Empty: every address of the machine. */
function addressesOf({ gateway }: Listener): string[] {
  return usableAddresses(gateway)
    .map(({ value }) => parseAddress(value)?.canonical ?? value)
    .sort();
}

/** In the cluster each Gateway has an address of its own, and one owner of several has them all on port 80. */
function canShare(listener: Listener, other: Listener): boolean {
  if (listener.gateway === other.gateway || !isSameProtocol(listener, other)) return false;
  if (!isSameValidation(listener, other)) return false;
  if (addressesOf(listener).join() !== addressesOf(other).join()) return false;
  return listener.gateway.namespace === other.gateway.namespace;
}

/** `""` stands for every host. */
function overlap(a: string, b: string): boolean {
  return a === "" || b === "" || hostnameIndex([a]).intersects(b);
}

function problemWith(listener: Listener, other: Listener): Problem {
  const { port, protocol } = listener.spec;
  const areApart = areToldApart(listener, other);
  if (!areApart && !isSameProtocol(listener, other)) {
    const mode = other.spec.protocol === "TLS" ? ` with mode ${modeOf(other.spec)}` : "";
    const message = `port ${port} speaks ${other.spec.protocol}${mode} for listener ${other.id}`;
    return { reason: "ProtocolConflict", message };
  }
  if (!areApart && !isSameValidation(listener, other)) {
    const message = `port ${port} asks clients for other certificates for listener ${other.id}`;
    return { reason: "ProtocolConflict", message };
  }
  if (protocol === "TCP") {
    return { reason: "ProtocolConflict", message: `listener ${other.id} has port ${port} already` };
  }
  const [taken = "every host"] = hostnamesOf(other);
  return { reason: "HostnameConflict", message: `listener ${other.id} has ${taken} on port ${port} already` };
}
