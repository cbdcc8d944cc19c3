// `HOST:PORT:HOST2:PORT2`, the syntax of curl's --connect-to: where HOST:PORT is meant, HOST2:PORT2 is dialled instead.

export interface ConnectTo {
  /** Absent: every host. IPv6 without brackets. */
  readonly host?: string | undefined;
  /** Absent: every port. */
  readonly port?: number | undefined;
  /** Absent: the host stays. */
  readonly toHost?: string | undefined;
  /** Absent: the port stays. */
  readonly toPort?: number | undefined;
}

const pattern = /^(\[[^\]]*\]|[^:[\]]*):([0-9]*):(\[[^\]]*\]|[^:[\]]*):([0-9]*)$/;

/** Each part may be empty, as curl allows. `undefined`: not of this form, or with a number that is no port. */
export function parseConnectTo(text: string): ConnectTo | undefined {
  const found = pattern.exec(text);
  if (!found) return undefined;
  const [, host, port, toHost, toPort] = found as unknown as [string, string, string, string, string];
  if ([port, toPort].some((digits) => digits !== "" && !isPort(Number(digits)))) return undefined;
  return {
    ...(host && { host: bare(host) }),
    ...(port && { port: Number(port) }),
    ...(toHost && { toHost: bare(toHost) }),
    ...(toPort && { toPort: Number(toPort) }),
  };
}

/** What {@link parseConnectTo} reads. */
export function formatConnectTo({ host, port, toHost, toPort }: ConnectTo): string {
  return [bracketed(host), port ?? "", bracketed(toHost), toPort ?? ""].join(":");
}

/** Where to dial instead of `host:port`: the first rule that fits decides. */
export function applyConnectTo(
  rules: readonly ConnectTo[],
  host: string,
  port: number,
): { host: string; port: number } {
  const rule = rules.find(
    (candidate) =>
      (candidate.host === undefined || candidate.host.toLowerCase() === host.toLowerCase()) &&
      (candidate.port === undefined || candidate.port === port),
  );
  return { host: rule?.toHost ?? host, port: rule?.toPort ?? port };
}

const isPort = (port: number): boolean => port >= 1 && port <= 65_535;

function bare(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function bracketed(host = ""): string {
  return host.includes(":") ? `[${host}]` : host;
}
