// The port that clients of a backend have connected to, which servers without a port are asked on.
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { wordAt } from "../statement.ts";

/** By the name of each proxy with servers; those that are reached by several ports, or by none, are not there. */
export function clientPorts(proxies: readonly Proxy[]): Map<string, number> {
  const fronts = proxies.filter(({ kind }) => kind !== "backend");
  const found = new Map<string, number>();
  for (const { kind, name } of proxies) {
    if (kind === "frontend") continue;
    const reaching = fronts.filter(
      (front) => (front.kind === "listen" && front.name === name) || names(front, name),
    );
    const ports = new Set(reaching.flatMap(portsOf));
    const [port] = ports;
    if (ports.size === 1 && port !== undefined) found.set(name, port);
  }
  return found;
}

/** Whether a front may send to the backend; a name that depends on the request may be any. */
function names(front: Proxy, backend: string): boolean {
  const rules = statementsOf(front, "use_backend").map((statement) => wordAt(statement, 1));
  const fallback = settingOf(front, "default_backend");
  return (
    rules.some((name) => name === backend || name.includes("%[")) ||
    (fallback !== undefined && wordAt(fallback, 1) === backend)
  );
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
