// Names of counters as the heartbeat carries them: a Prometheus sample without its value, `retries_total{backend="a"}`.

export interface CounterName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Labels in the order given; a name without labels has no braces. */
export function counterName(name: string, labels: Readonly<Record<string, string>> = {}): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

/** Undefined for anything that {@link counterName} does not make. */
export function parseCounterName(text: string): CounterName | undefined {
  const found = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?$/s.exec(text);
  if (!found) return undefined;
  const labels: Record<string, string> = {};
  let rest = found[2] ?? "";
  while (rest !== "") {
    const pair = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/s.exec(rest);
    if (!pair) return undefined;
    labels[pair[1]!] = pair[2]!.replace(/\\(.)/gs, (_, escaped: string) =>
      escaped === "n" ? "\n" : escaped,
    );
    rest = rest.slice(pair[0].length);
  }
  return { name: found[1]!, labels };
}

/** Prometheus text format: backslash, double quote and line feed are escaped in a label's value. */
export function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}
