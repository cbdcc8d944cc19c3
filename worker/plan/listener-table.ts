// Which listener a request came in on (docs/architecture.md, "Which listener?").
import type { SnapshotListener } from "#contract/snapshot.ts";

export interface ListenerTable {
  /** `name` is what the socket says; without it, scheme and port of the request's URL decide. */
  find(name: string | undefined, scheme: "http" | "https", port: number): SnapshotListener | undefined;
}

export function compileListeners(listeners: readonly SnapshotListener[]): ListenerTable {
  const byName = new Map(listeners.map((listener) => [listener.name, listener]));
  const byPort = new Map<string, SnapshotListener>();
  const byScheme = new Map<string, SnapshotListener>();
  for (const listener of listeners) {
    const scheme = schemeOf(listener);
    const place = `${scheme}:${listener.port}`;
    if (!byPort.has(place)) byPort.set(place, listener);
    if (!byScheme.has(scheme)) byScheme.set(scheme, listener);
  }
  return {
    find: (name, scheme, port) =>
      name === undefined ? (byPort.get(`${scheme}:${port}`) ?? byScheme.get(scheme)) : byName.get(name),
  };
}

export function schemeOf(listener: SnapshotListener): "http" | "https" {
  return listener.protocol === "HTTPS" ? "https" : "http";
}
