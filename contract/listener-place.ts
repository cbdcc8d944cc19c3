// Where listeners accept: a port, and on it each address of the machine that a listener names for itself.
import type { SnapshotListener } from "./snapshot.ts";

/** Listeners that one socket accepts for. */
export interface ListenerPlace {
  readonly port: number;
  /** Of the machine. None: every address that no other place of the port has, as the kernel has it. */
  readonly addresses: readonly string[];
  /** Those that name the addresses, then those that accept on every one. */
  readonly listeners: readonly SnapshotListener[];
}

/** What a socket says of itself, for the listeners behind it to be found. */
export interface SocketPlace {
  /** Name of one of them. */
  readonly listener?: string;
  /** One of the addresses. Absent: of a place without any. */
  readonly address?: string;
}

/** In the order of the listeners; of a port the place without addresses first. */
export function listenerPlaces(listeners: readonly SnapshotListener[]): ListenerPlace[] {
  return [...Map.groupBy(listeners, ({ port }) => port)].flatMap(([port, members]) =>
    placesOfPort(port, members),
  );
}

/** Addresses with the same listeners are one place. */
function placesOfPort(port: number, members: readonly SnapshotListener[]): ListenerPlace[] {
  const everywhere = members.filter(({ addresses }) => !addresses);
  const acceptingAt = (address: string): SnapshotListener[] => {
    const own = members.filter(({ addresses }) => addresses?.includes(address));
    return [...own, ...everywhere.filter((listener) => isTakenAlong(listener, own))];
  };
  const named = new Set(members.flatMap(({ addresses = [] }) => addresses));
  const byListeners = Map.groupBy(named, (address) =>
    acceptingAt(address)
      .map(({ name }) => name)
      .join(" "),
  );
  const places = [...byListeners.values()].map((addresses) => ({
    port,
    addresses,
    listeners: acceptingAt(addresses[0]!),
  }));
  return everywhere.length > 0 ? [{ port, addresses: [], listeners: everywhere }, ...places] : places;
}

/** Whether what accepts everywhere has hosts that those which name the address leave to it. */
function isTakenAlong({ hostnames }: SnapshotListener, own: readonly SnapshotListener[]): boolean {
  const taken = new Set(own.flatMap((listener) => orEvery(listener.hostnames)));
  return orEvery(hostnames).some((hostname) => !taken.has(hostname));
}

/** What there is at each address of a port. */
export class AtAddresses<T> {
  readonly #named = new Map<string, T>();
  readonly #elsewhere: T;

  /** `elsewhere`: of the port's first place, for addresses that are not named. */
  constructor(elsewhere: T) {
    this.#elsewhere = elsewhere;
  }

  add(addresses: readonly string[], value: T): void {
    for (const address of addresses) this.#named.set(address, value);
  }

  get(address: string | undefined): T {
    return (address === undefined ? undefined : this.#named.get(address)) ?? this.#elsewhere;
  }
}

function orEvery(hostnames: readonly string[]): readonly string[] {
  return hostnames.length > 0 ? hostnames : [""];
}
