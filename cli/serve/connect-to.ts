// `--connect-to HOST:PORT:HOST2:PORT2`, curl's syntax: where HOST:PORT is meant, HOST2:PORT2 is dialled instead.
import { CommandError } from "../command-error.ts";

export interface ConnectTo {
  /** Absent: every host. IPv6 without brackets. */
  readonly host?: string;
  /** Absent: every port. */
  readonly port?: number;
  /** Absent: the host stays. */
  readonly toHost?: string;
  /** Absent: the port stays. */
  readonly toPort?: number;
}

const pattern = /^(\[[^\]]*\]|[^:[\]]*):([0-9]*):(\[[^\]]*\]|[^:[\]]*):([0-9]*)$/;

/** Throws `CommandError` `invalid`. Each part may be empty, as curl allows. */
export function parseConnectTo(text: string): ConnectTo {
  const found = pattern.exec(text);
  if (!found) {
    throw new CommandError("invalid", `--connect-to ${text}: expected HOST:PORT:HOST2:PORT2`, {
      remedy: "Any part may be empty; IPv6 addresses stand in brackets: [::1]:80:[::1]:8080.",
    });
  }
  const [, host, port, toHost, toPort] = found as unknown as [string, string, string, string, string];
  return {
    ...(host && { host: bare(host) }),
    ...(port && { port: parsePort(port, text) }),
    ...(toHost && { toHost: bare(toHost) }),
    ...(toPort && { toPort: parsePort(toPort, text) }),
  };
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

function bare(host: string): string {
  return host.startsWith("[") ? host.slice(1, -1) : host;
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (port < 1 || port > 65_535)
    throw new CommandError("invalid", `--connect-to ${text}: ${digits} is not a port`);
  return port;
}
