// Which listener a request came in on (docs/architecture.md, "Which listener?").
import { isLayer4, type SnapshotListener } from "#contract/snapshot.ts";
import { HostIndex } from "./host-index.ts";

export interface ListenerTable {
  /** False where there is one port, so that what the socket says makes no difference. */
  readonly needsName: boolean;
  /**
   * `name` is what the socket says, one listener of its port; without it, or when a publish has renamed that one, scheme
   * and port of the request's URL decide. Among the listeners of one port, the most specific host name that covers
   * `host` decides; where none does, the first, which then refuses the host.
   */
  find(
    name: string | undefined,
    scheme: "http" | "https",
    port: number,
    host: string,
  ): SnapshotListener | undefined;
}

type Choose<T = SnapshotListener> = (host: string) => T;

export function compileListeners(listeners: readonly SnapshotListener[]): ListenerTable {
  const byName = new Map<string, Choose>();
  const byPort = new Map<string, Choose>();
  const byScheme = new Map<string, Choose>();
  const forRequests = listeners.filter((listener) => !isLayer4(listener));
  for (const [place, group] of Map.groupBy(forRequests, (it) => `${schemeOf(it)}:${it.port}`)) {
    const choose = chooseByHost(group);
    byPort.set(place, choose);
    for (const listener of group) {
      byName.set(listener.name, choose);
      const scheme = schemeOf(listener);
      if (!byScheme.has(scheme)) byScheme.set(scheme, choose);
    }
  }
  return {
    needsName: byPort.size > 1,
    find(name, scheme, port, host) {
      const named = name === undefined ? undefined : byName.get(name);
      const choose = named ?? byPort.get(`${scheme}:${port}`) ?? byScheme.get(scheme);
      return choose?.(host);
    },
  };
}

/** Among listeners of one port. */
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
