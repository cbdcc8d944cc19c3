// Which route takes a connection: by its listener, and for TLS by the server name.
import { isLayer4, type Snapshot, type SnapshotListener, type TcpRoute } from "#contract/snapshot.ts";
import { HostIndex } from "../match/host-index.ts";

export interface FoundListener<Route> {
  readonly listener: SnapshotListener;
  /** Absent: none takes the connection. */
  readonly route: Route | undefined;
}

export interface ConnectionTable<Route> {
  /** The first listener of the port that a socket belongs to, which says how its connections begin. */
  first(listenerName: string): SnapshotListener | undefined;
  /**
   * Among the listeners of the port the one, and of its routes the one, whose host names cover the server name most
   * specifically. A connection without a server name is for those without host names.
   */
  find(listenerName: string, serverName: string | undefined): FoundListener<Route> | undefined;
}

interface Attached<Route> {
  readonly listener: SnapshotListener;
  readonly routes: HostIndex<Route>;
}

interface PortEntry<Route> {
  readonly first: SnapshotListener;
  readonly listeners: HostIndex<Attached<Route>>;
}

/** `compile` is called once for each route, in the order of the snapshot, TCP before TLS. */
export function compileConnections<Route>(
  { listeners, tcpRoutes = [], tlsRoutes = [] }: Pick<Snapshot, "listeners" | "tcpRoutes" | "tlsRoutes">,
  compile: (route: TcpRoute) => Route,
): ConnectionTable<Route> {
  const attached = new Map<string, Attached<Route>>();
  const ports = new Map<string, PortEntry<Route>>();
  for (const [, group] of Map.groupBy(listeners.filter(isLayer4), ({ port }) => port)) {
    const entry: PortEntry<Route> = { first: group[0]!, listeners: new HostIndex() };
    for (const listener of group) {
      const own: Attached<Route> = { listener, routes: new HostIndex() };
      attached.set(listener.name, own);
      ports.set(listener.name, entry);
      for (const hostname of orEvery(listener.hostnames)) entry.listeners.at(hostname, () => own);
    }
  }
  const attach = (route: TcpRoute, hostnames: readonly string[]): void => {
    const compiled = compile(route);
    for (const name of route.listeners) {
      for (const hostname of hostnames) attached.get(name)?.routes.at(hostname, () => compiled);
    }
  };
  for (const route of tcpRoutes) attach(route, [""]);
  for (const route of tlsRoutes) attach(route, orEvery(route.hostnames));
  return {
    first: (name) => ports.get(name)?.first,
    find(name, serverName = "") {
      const port = ports.get(name);
      const found = port?.listeners.find(serverName);
      if (found) return { listener: found.listener, route: found.routes.find(serverName) };
      return port && { listener: port.first, route: undefined };
    },
  };
}

function orEvery(hostnames: readonly string[]): readonly string[] {
  return hostnames.length === 0 ? [""] : hostnames;
}
