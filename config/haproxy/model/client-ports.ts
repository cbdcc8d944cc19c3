// The port that clients of a backend have connected to, which servers without a port are asked on.
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { wordAt } from "../statement.ts";

/** By the name of each proxy with servers; those that are reached by several ports, or by none, are not there. */
export function clientPorts(proxies: readonly Proxy[]): Map<string, number> {
  const reaching = new Map<string, Set<number>>();
  /** Of fronts that may send to any backend: they name it by the request. */
  const anywhere = new Set<number>();
  for (const front of proxies) {
    if (front.kind === "backend") continue;
    const ports = portsOf(front);
    for (const name of namesOf(front)) {
      const known = name.includes("%[") ? anywhere : (reaching.get(name) ?? new Set());
      // Two are as good as all.
      for (const port of ports) if (known.size < 2) known.add(port);
      if (known !== anywhere) reaching.set(name, known);
    }
  }
  const found = new Map<string, number>();
  for (const { kind, name } of proxies) {
    if (kind === "frontend") continue;
    const ports = new Set([...anywhere, ...(reaching.get(name) ?? [])]);
    const [port] = ports;
    if (ports.size === 1 && port !== undefined) found.set(name, port);
  }
  return found;
}

/** Backends that a front sends to, its own among them. */
function namesOf(front: Proxy): Set<string> {
  const rules = statementsOf(front, "use_backend").map((statement) => wordAt(statement, 1));
  const fallback = settingOf(front, "default_backend");
  return new Set([
    ...rules,
    ...(fallback ? [wordAt(fallback, 1)] : []),
    ...(front.kind === "listen" ? [front.name] : []),
  ]);
}

/** Of a range both ends, which are two ports. */
function portsOf(front: Proxy): number[] {
  return statementsOf(front, "bind").flatMap((statement) =>
    wordAt(statement, 1)
      .split(",")
      .flatMap((address) => {
        const [, first, last] = /:([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(address) ?? [];
        return [first, last].flatMap((port) => (port === undefined ? [] : Number(port)));
      }),
  );
}
