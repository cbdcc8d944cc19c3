// `OverlappingTLSConfig` (GEP-3567): listeners of one port where TLS ends and whose host names overlap, so that a client may
// take the connection of one for requests to hosts of the other.
import type { Problem } from "./condition.ts";
import { endsTls, hostnamesOf, type Listener } from "./listener.ts";

/** `listeners`: of one Gateway and its ListenerSets, without those in conflict: a host name is there once on a port. */
export function overlappingTls(listeners: readonly Listener[]): ReadonlyMap<Listener, Problem> {
  const found = new Map<Listener, Problem>();
  const note = (listener: Listener, other: Listener): void => {
    if (found.has(listener)) return;
    const [hostname = "every host"] = hostnamesOf(other);
    const message = `listener ${other.id} has ${hostname} on port ${other.spec.port}, which overlaps: clients may reuse connections between them`;
    found.set(listener, { reason: "OverlappingHostnames", message });
  };
  const ending = listeners.filter(({ spec }) => endsTls(spec));
  for (const onPort of Map.groupBy(ending, ({ spec }) => spec.port).values()) {
    const byName = new Map(onPort.map((listener) => [nameOf(listener), listener]));
    for (const listener of onPort) {
      for (const wider of widerNames(nameOf(listener))) {
        const other = byName.get(wider);
        if (!other) continue;
        note(listener, other);
        note(other, listener);
      }
    }
  }
  return found;
}

/** `""` stands for every host. */
function nameOf(listener: Listener): string {
  return hostnamesOf(listener)[0] ?? "";
}

/** `*.b.c`, `*.c` and `""` for `a.b.c`; `*.c` and `""` for `*.b.c`. */
function widerNames(hostname: string): string[] {
  if (hostname === "") return [];
  const parents = hostname.split(".").slice(1);
  const wildcards = parents.map((_, index) => `*.${parents.slice(index).join(".")}`);
  return [...wildcards, ""].filter((name) => name !== hostname);
}
