// Connections of checks: `http-check connect` and `tcp-check connect`, and where the servers' own options send their checks.
import type { Notes } from "../notes.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import type { CheckTexts } from "./check-texts.ts";
import type { BackendInput } from "./backends.ts";
import type { ServerOptions } from "./server-line.ts";

type ActiveCheck = NonNullable<NonNullable<BackendInput["healthCheck"]>["active"]>;
export type Overrides = NonNullable<ActiveCheck["overrides"]>;

/** `undefined` of an option: as the server says. */
export interface Connection {
  readonly statement?: Statement;
  readonly port?: number | undefined;
  readonly address?: string | undefined;
  /** What the connection is like; absent: as the servers' checks are. */
  readonly kind?: { readonly tls: boolean; readonly hostname?: string; readonly sendsProxy: boolean };
}

/** Options that change nothing about where and how a check connects. */
const idleOptions: ReadonlySet<string> = new Set(["linger"]);
const idleOptionsWithArgument: ReadonlySet<string> = new Set(["comment"]);

/** A `connect` without `default` is plain unless it says otherwise, whatever the server is. */
export function readConnect(statement: Statement, texts: CheckTexts, notes: Notes): Connection {
  let connection: Connection = { statement };
  let isDefault = false;
  let kind: NonNullable<Connection["kind"]> = { tls: false, sendsProxy: false };
  for (const { name, word, argument } of keywordsOf(statement, 2)) {
    if (idleOptions.has(name)) continue;
    if (idleOptionsWithArgument.has(name)) argument();
    else if (name === "default") isDefault = true;
    else if (name === "port") connection = { ...connection, port: portOf(texts.sample(argument())) };
    else if (name === "addr") connection = { ...connection, ...placeOf(argument()) };
    else if (name === "ssl") kind = { ...kind, tls: true };
    else if (name === "send-proxy") kind = { ...kind, sendsProxy: true };
    else if (name === "sni") kind = { ...kind, hostname: argument() };
    else if (name === "alpn" || name === "proto") {
      argument();
      const message = `${name}: checks speak what requests do`;
      notes.add(statement, { code: "statement-approximated", message, word });
    } else if (name === "via-socks4") unsupported("servers are not reached through SOCKS", undefined, word);
    else invalid(`${JSON.stringify(name)} is no option of a connection`, { word });
  }
  return isDefault ? connection : { ...connection, kind };
}

/** `127.0.0.1`, `[::1]:80`, `ipv4@10.0.0.1:80`. */
export function placeOf(text: string): Pick<Connection, "address" | "port"> {
  const found =
    /^(?:(?:ipv[46]|tcp[46]?)@)?(\[[^\]]+\]|[^:@/]+|[0-9a-fA-F:]+:[0-9a-fA-F:]*)(?::([0-9]{1,5}))?$/.exec(
      text,
    );
  if (!found) return unsupported("checks connect to addresses of TCP", "Write an IP address or a host name.");
  const address = found[1]!.replace(/^\[(.*)\]$/, "$1");
  return { address, ...(found[2] !== undefined && { port: portOf(found[2]) }) };
}

function portOf(text: string): number {
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port < 1 || port > 65_535) {
    invalid(`expected a port from 1 to 65535; found ${JSON.stringify(text)}`);
  }
  return port;
}

/**
 * Where a server's check goes, and how, as its own options say: what names another port or address is plain and without the
 * PROXY protocol unless it says otherwise (check.c, init_srv_check).
 */
export function ownOverrides(options: ServerOptions): Overrides {
  const { checkPort, checkAddress, checkTls, checkHostname, sendProxy, tls } = options;
  const goesElsewhere = checkPort !== undefined || checkAddress !== undefined;
  const isTls = goesElsewhere ? checkTls === true : (checkTls ?? tls);
  const header = goesElsewhere && !options.checkSendsProxy ? undefined : sendProxy;
  const expected = goesElsewhere ? undefined : sendProxy;
  const version = header ?? (options.checkSendsProxy ? "V1" : undefined);
  return {
    ...(checkAddress !== undefined && { address: checkAddress }),
    ...(checkPort !== undefined && { port: checkPort }),
    ...(isTls !== tls && { tls: isTls }),
    ...(isTls && checkHostname !== undefined && { hostname: checkHostname }),
    ...(version !== expected && { proxyProtocol: version ?? "None" }),
  };
}

/** The same of a connection that a rule opens. */
export function overridesOf({ port, address, kind }: Connection, options: ServerOptions): Overrides {
  const hostname = kind?.hostname ?? options.checkHostname;
  const expected = port === undefined && address === undefined ? options.sendProxy : undefined;
  const version = kind?.sendsProxy ? (options.sendProxy ?? "V1") : undefined;
  return {
    ...(address !== undefined && { address }),
    ...(port !== undefined && { port }),
    ...(kind && kind.tls !== options.tls && { tls: kind.tls }),
    ...(kind?.tls && hostname !== undefined && { hostname }),
    ...(kind && version !== expected && { proxyProtocol: version ?? "None" }),
  };
}
