// Which route takes a connection: by its listener, and for TLS by the server name.
import { AtAddresses, listenerPlaces, type SocketPlace } from "#contract/listener-place.ts";
import { isLayer4, type Snapshot, type SnapshotListener, type TcpRoute } from "#contract/snapshot.ts";
import { HostIndex } from "../match/host-index.ts";

export interface FoundListener<Route> {
  readonly listener: SnapshotListener;
  /** Absent: none takes the connection. */
  readonly route: Route | undefined;
}

export interface ConnectionTable<Route> {
  /** The first listener of the place that a socket belongs to, which says how its connections begin. */
  first(socket: SocketPlace | undefined): SnapshotListener | undefined;
  /**
   * Among the listeners of the place the one, and of its routes the one, whose host names cover the server name most
   * specifically. A connection without a server name is for those without host names.
   */
  find(socket: SocketPlace | undefined, serverName: string | undefined): FoundListener<Route> | undefined;
}

interface Attached<Route> {
  readonly listener: SnapshotListener;
  readonly routes: HostIndex<Route>;
}

interface PlaceEntry<Route> {
  readonly first: SnapshotListener;
  readonly listeners: HostIndex<Attached<Route>>;
}

/** `compile` is called once for each route, in the order of the snapshot, TCP before TLS. */
export function compileConnections<Route>(
  { listeners, tcpRoutes = [], tlsRoutes = [] }: Pick<Snapshot, "listeners" | "tcpRoutes" | "tlsRoutes">,
  compile: (route: TcpRoute) => Route,
): ConnectionTable<Route> {
  const attached = new Map<string, Attached<Route>>();
  const byPort = new Map<number, AtAddresses<PlaceEntry<Route>>>();
  const byName = new Map<string, AtAddresses<PlaceEntry<Route>>>();
  for (const { port, addresses, listeners: accepting } of listenerPlaces(listeners.filter(isLayer4))) {
    const entry: PlaceEntry<Route> = { first: accepting[0]!, listeners: new HostIndex() };
    const atPort = byPort.get(port) ?? new AtAddresses(entry);
    byPort.set(port, atPort);
    atPort.add(addresses, entry);
    for (const listener of accepting) {
      const own: Attached<Route> = attached.get(listener.name) ?? { listener, routes: new HostIndex() };
      attached.set(listener.name, own);
      byName.set(listener.name, atPort);
      for (const hostname of orEvery(listener.hostnames)) entry.listeners.at(hostname, () => own);
    }
  }
  const entryOf = (socket: SocketPlace | undefined): PlaceEntry<Route> | undefined =>
    byName.get(socket?.listener ?? "")?.get(socket?.address);
  const attach = (route: TcpRoute, hostnames: readonly string[]): void => {
    const compiled = compile(route);
    for (const name of route.listeners) {
      for (const hostname of hostnames) attached.get(name)?.routes.at(hostname, () => compiled);
    }
  };
  for (const route of tcpRoutes) attach(route, [""]);
  for (const route of tlsRoutes) attach(route, orEvery(route.hostnames));
  return {
    first: (socket) => entryOf(socket)?.first,
    find(socket, serverName = "") {
      const entry = entryOf(socket);
      const found = entry?.listeners.find(serverName);
      if (found) return { listener: found.listener, route: found.routes.find(serverName) };
      return entry && { listener: entry.first, route: undefined };
    },
  };
}

function orEvery(hostnames: readonly string[]): readonly string[] {
  return hostnames.length === 0 ? [""] : hostnames;
}
