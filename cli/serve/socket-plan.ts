// Which listening sockets the system needs, and which process accepts on each. All of them are bound once, before any
// process starts, and inherited: a process that crashes or is replaced leaves its socket, and whoever connects
// meanwhile waits in its queue instead of being refused.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { limits } from "#contract/limits.ts";
import { listenerPlaces, type ListenerPlace, type SocketPlace } from "#contract/listener-place.ts";
import { endsTls, type SnapshotListener } from "#contract/snapshot.ts";
import { CommandError } from "../command-error.ts";
import { hubSockets } from "./hub/settings.ts";
import { everyAddress, type HostPort, type ServeOptions } from "./serve-options.ts";

export type SocketAddress = HostPort | { readonly path: string };

export interface PlannedSocket {
  /** Name of the process that accepts: `control`, `state`, `hub-0`, `gateway-1`, `front-door-1`, `tunnel-door`. */
  readonly process: string;
  /** Name of the socket within that process. */
  readonly name: string;
  /** Unix sockets of a process that gets successors beside it: one in each slot (decision 0011). */
  readonly slot?: Slot;
  readonly address: SocketAddress;
}

/** Listeners of one place share a socket. */
export interface PortGroup {
  /** As declared, without `--port-offset`. */
  readonly port: number;
  /** Those that are named. None: all others. */
  readonly addresses: readonly string[];
  readonly protocol: SnapshotListener["protocol"];
  /** Whether the front door accepts here: it speaks TLS, HTTP/2 and in front of requests the PROXY
   * protocol, and counts their connections, which workerd does not. */
  readonly behindFrontDoor: boolean;
  /** TLS that passes through where other listeners of the port end it: the front door reads the server name and passes it on. */
  readonly isPassed?: true;
  readonly listeners: readonly SnapshotListener[];
}

/** Where a process and its successor listen by turns. */
export type Slot = "a" | "b";
const slots: readonly Slot[] = ["a", "b"];

export interface SocketPlan {
  readonly sockets: readonly PlannedSocket[];
  readonly ports: readonly PortGroup[];
}

export const socketPath = (runDirectory: string, process: string, name: string): string =>
  join(runDirectory, `${process}-${name}.sock`);

/** Path of a socket in its slot; the path without the slot is a link to the one in use. */
export const slotPath = (runDirectory: string, process: string, name: string, slot: Slot): string =>
  socketPath(runDirectory, process, `${name}-${slot}`);

/** Where the agent of `serve` itself reaches the tunnel's door. */
export const ownAgentDoor = (runDirectory: string): string => socketPath(runDirectory, "tunnel-door", "own");

/** Where a run of a front door takes informational answers; `door` is its name. The door itself listens there. */
export const informationalSocket = (runDirectory: string, door: string): string =>
  join(runDirectory, `${door}.sock`);

/** Name of the socket on which a gateway process hears its supervisor. */
export const doorSocket = "door";

export const hubProcess = (shard: number): string => `hub-${shard}`;

export const shardOf = (hubProcess: string): number => Number(hubProcess.slice("hub-".length));

/** Addresses as a hash: paths of sockets are short. */
export const portSocket = ({ port, addresses, isPassed }: PortGroup): string => {
  const text = addresses.join(" ");
  const place = text === "" ? "" : `@${createHash("sha256").update(text).digest("hex").slice(0, 8)}`;
  return `${isPassed ? "passed" : "port"}-${port}${place}`;
};

export const placeOf = ({ addresses: [address], listeners }: PortGroup): SocketPlace => ({
  listener: listeners[0]!.name,
  ...(address !== undefined && { address }),
});

export const isPort = (group: PortGroup, { name }: PlannedSocket): boolean =>
  name === portSocket(group) || name.startsWith(`${portSocket(group)}-`);

export function groupByPort(listeners: readonly SnapshotListener[]): PortGroup[] {
  return listenerPlaces(listeners).flatMap((place) => {
    const ended = place.listeners.filter(({ protocol }) => protocol === "HTTPS");
    const others = place.listeners.filter(({ protocol }) => protocol !== "HTTPS");
    if (ended.length === 0 || others.length === 0) return [portGroup(place, place.listeners)];
    return [
      portGroup(place, ended),
      { ...portGroup(place, others), behindFrontDoor: true, isPassed: true as const },
    ];
  });
}

function portGroup({ port, addresses }: ListenerPlace, listeners: readonly SnapshotListener[]): PortGroup {
  return {
    port,
    addresses,
    protocol: listeners[0]!.protocol,
    behindFrontDoor: endsTls(listeners[0]!) || listeners.some(needsFrontDoor),
    listeners,
  };
}

function needsFrontDoor({ protocol, http2, proxyProtocol, connection }: SnapshotListener): boolean {
  return protocol === "HTTP" && (http2 === true || proxyProtocol !== undefined || connection !== undefined);
}

/** `--host` has the last word: one address, at which a port has one place. */
function groupsAt(listeners: readonly SnapshotListener[], host: string): PortGroup[] {
  const groups = groupByPort(listeners);
  if (host === everyAddress) return groups;
  return [...Map.groupBy(groups, ({ port }) => port).values()].flatMap((ofPort) => {
    const { addresses } =
      ofPort.find((group) => group.addresses.includes(host)) ??
      ofPort.find((group) => group.addresses.length === 0) ??
      ofPort[0]!;
    const open = ofPort.filter((group) => group.addresses === addresses);
    const names = new Set(open.flatMap((group) => group.listeners.map(({ name }) => name)));
    const closed = ofPort.flatMap((group) => group.listeners).find(({ name }) => !names.has(name));
    if (closed) {
      const message = `--host ${host}: listeners ${[...names].join(", ")} have port ${closed.port} there, and nothing is left of it for listener ${closed.name}, which is told apart by its address`;
      throw new CommandError("invalid", message, {
        remedy: "Leave --host out, or give the listener another port.",
      });
    }
    return open;
  });
}

function hostsOf({ addresses }: PortGroup, host: string): readonly string[] {
  return host === everyAddress && addresses.length > 0 ? addresses : bindAddresses(host);
}

/** Every address is two sockets, so that a client's IPv4 address is not seen as `::ffff:192.0.2.1`. */
function bindAddresses(host: string): string[] {
  return host === everyAddress ? ["0.0.0.0", "::"] : [host];
}

/**
 * TCP sockets exist once per process that shares the port: the kernel then spreads connections over the processes
 * (SO_REUSEPORT), where one queue for all gives a burst of connections to the process that wakes up first (measured:
 * 32 of 32).
 */
export function planSockets(
  listeners: readonly SnapshotListener[],
  options: Pick<ServeOptions, "control" | "tunnel" | "host" | "processes" | "portOffset">,
  runDirectory: string,
): SocketPlan {
  const ports = groupsAt(listeners, options.host);
  const unix = (process: string, name: string): PlannedSocket => ({
    process,
    name,
    address: { path: socketPath(runDirectory, process, name) },
  });
  const slotted = (process: string, name: string): PlannedSocket[] =>
    slots.map((slot) => ({
      process,
      name,
      slot,
      address: { path: slotPath(runDirectory, process, name, slot) },
    }));
  const tcp = (process: string, name: string, port: number, hosts: readonly string[]): PlannedSocket[] =>
    hosts.map((host, index) => ({
      process,
      name: index === 0 ? name : `${name}-${host === "::" ? "v6" : index + 1}`,
      address: { host, port },
    }));
  const sockets: PlannedSocket[] = [
    { process: "control", name: "admin", address: options.control },
    unix("control", "internal"),
    unix("state", "state"),
    unix("tunnel-door", "own"),
  ];
  // Bound in any case: a later version may have backends of a tunnel.
  for (let shard = 0; shard < limits.hubsPerTunnel; shard += 1) {
    for (const name of hubSockets) sockets.push(...slotted(hubProcess(shard), name));
  }
  if (options.tunnel) {
    const { host, port } = options.tunnel;
    sockets.push(...tcp("tunnel-door", "tunnel", port, bindAddresses(host)));
  }
  for (let index = 1; index <= options.processes; index += 1) {
    const gateway = `gateway-${index}`;
    for (const name of [doorSocket, "probe"]) sockets.push(...slotted(gateway, name));
    for (const group of ports) {
      const port = group.port + options.portOffset;
      const hosts = hostsOf(group, options.host);
      if (!group.behindFrontDoor) {
        sockets.push(...tcp(gateway, portSocket(group), port, hosts));
        continue;
      }
      sockets.push(
        ...slotted(gateway, portSocket(group)),
        ...(group.isPassed ? [] : tcp(`front-door-${index}`, portSocket(group), port, hosts)),
      );
    }
  }
  return { sockets, ports };
}
