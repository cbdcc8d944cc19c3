// Which listener a request came in on (docs/architecture.md, "Which listener?").
import { AtAddresses, listenerPlaces, type SocketPlace } from "#contract/listener-place.ts";
import { isLayer4, type SnapshotListener } from "#contract/snapshot.ts";
import { HostIndex } from "./host-index.ts";

export interface ListenerTable {
  /** False where there is one place, so that what the socket says makes no difference. */
  readonly needsSocket: boolean;
  /**
   * Without what the socket says, or when a publish has renamed its listener, scheme and port of the request's URL decide.
   * Among the listeners of one place, the most specific host name that covers `host` decides; where none does, the first,
   * which then refuses the host.
   */
  find(
    socket: SocketPlace | undefined,
    scheme: "http" | "https",
    port: number,
    host: string,
  ): SnapshotListener | undefined;
}

type Choose<T = SnapshotListener> = (host: string) => T;

export function compileListeners(listeners: readonly SnapshotListener[]): ListenerTable {
  const places = listenerPlaces(listeners.filter((listener) => !isLayer4(listener))).flatMap((place) =>
    [...Map.groupBy(place.listeners, schemeOf)].map(([scheme, group]) => ({
      ...place,
      scheme,
      choose: chooseByHost(group),
    })),
  );
  const byName = new Map<string, AtAddresses<Choose>>();
  const byPort = new Map<string, AtAddresses<Choose>>();
  const byScheme = new Map<string, Choose>();
  for (const { scheme, port, addresses, listeners: accepting, choose } of places) {
    const key = `${scheme}:${port}`;
    const atPort = byPort.get(key) ?? new AtAddresses(choose);
    byPort.set(key, atPort);
    atPort.add(addresses, choose);
    for (const listener of accepting) {
      if (schemeOf(listener) === scheme) byName.set(listener.name, atPort);
    }
    if (!byScheme.has(scheme)) byScheme.set(scheme, choose);
  }
  return {
    needsSocket: places.length > 1,
    find(socket, scheme, port, host) {
      const name = socket?.listener;
      const atPort = (name === undefined ? undefined : byName.get(name)) ?? byPort.get(`${scheme}:${port}`);
      const choose = atPort?.get(socket?.address) ?? byScheme.get(scheme);
      return choose?.(host);
    },
  };
}

/** Among listeners of one place. */
export function chooseByHost<T extends Pick<SnapshotListener, "hostnames">>(group: readonly T[]): Choose<T> {
  const first = group[0]!;
  if (group.length === 1) return () => first;
  const index = new HostIndex<T>();
  for (const listener of group) {
    for (const hostname of listener.hostnames.length > 0 ? listener.hostnames : [""]) {
      index.at(hostname, () => listener);
    }
  }
  return (host) => index.find(host) ?? first;
}

export function schemeOf(listener: SnapshotListener): "http" | "https" {
  return listener.protocol === "HTTPS" ? "https" : "http";
}
