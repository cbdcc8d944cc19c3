// `option httpchk`, `tcp-check` and its like, with the options of servers → active health checks of a backend and its endpoints.
import type { NativeConfigInput } from "../../native/schema.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { type Connection, type Overrides, overridesOf, ownOverrides } from "./check-connect.ts";
import { httpConnections, type HttpProbe } from "./http-check.ts";
import type { Server } from "./server-line.ts";
import { type ExchangeInput, protocolExchanges, tcpConnections } from "./tcp-check.ts";

type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type ActiveCheck = NonNullable<NonNullable<BackendInput["healthCheck"]>["active"]>;
type EndpointInput = NonNullable<BackendInput["endpoints"]>[number];
type EndpointCheck = NonNullable<EndpointInput["healthCheck"]>;
type Pace = Pick<
  ActiveCheck,
  "interval" | "timeout" | "unhealthyThreshold" | "healthyThreshold" | "fastInterval" | "downInterval"
>;

export interface BackendChecks {
  /** Absent: no server asks for checks. */
  readonly active?: ActiveCheck;
  /** How the check of a server differs from that. */
  ofServer(server: Server): EndpointCheck | undefined;
  /** Whether a check speaks TLS, to servers that requests do not speak it to, too. */
  readonly speaksTls: boolean;
}

/** HAProxy's own: `inter 2s rise 2 fall 3`. */
const defaults = { intervalMs: 2_000, rise: 2, fall: 3 };

/** Further connections than this are an error. */
const maxConnections = 8;

export const noChecks: BackendChecks = { ofServer: () => undefined, speaksTls: false };

export function translateHealthCheck(proxy: Proxy, servers: readonly Server[], notes: Notes): BackendChecks {
  const checked = servers.filter(({ options }) => options.check);
  const [first] = checked;
  if (!first) return noChecks;
  const option = checkOption(proxy);
  noteUnusedRules(proxy, option, notes);
  const connections = connectionsOf(
    option,
    proxy,
    servers.length === 1 ? servers[0]!.name : undefined,
    notes,
  );
  const [opening, ...following] = connections.map(({ connection, said }) => ({
    ...said,
    overrides: overridesOf(connection, first.options),
    connection,
  }));
  // Of one address, where two servers are one endpoint, the first counts.
  const own = new Map(
    checked.map((server) => [server.statement, serverOverrides(server, opening!.connection)]),
  );
  const common = commonOf([...own.values()]);
  const pace = paceOf(proxy, first);
  const active = {
    ...pace,
    ...withOverrides(opening!, { ...opening!.overrides, ...common }),
    ...(following.length > 0 && {
      next: following.map((step) => withOverrides(step, { ...placeIn(common), ...step.overrides })),
    }),
  } as ActiveCheck;
  return {
    active,
    ofServer(server) {
      if (!server.options.check) return { disabled: true };
      const overrides = common ? undefined : own.get(server.statement);
      const check = {
        ...differenceOf(paceOf(proxy, server), pace),
        ...(overrides && Object.keys(overrides).length > 0 && { overrides }),
      };
      return Object.keys(check).length === 0 ? undefined : check;
    },
    speaksTls:
      connections.some(({ connection }) => connection.kind?.tls) ||
      [...own.values()].some(({ tls }) => tls === true),
  };
}

type Said = { type: "HTTP"; http: HttpProbe } | { type: "TCP"; tcp?: { exchanges: ExchangeInput[] } };

function connectionsOf(
  option: Statement | undefined,
  proxy: Proxy,
  server: string | undefined,
  notes: Notes,
): { connection: Connection; said: Said }[] {
  const kind = option && wordAt(option, 1);
  if (option && kind === "httpchk") {
    const connections = httpConnections(option, proxy, server, notes);
    return bounded(option, connections, notes).map(({ connection, http }) => {
      return { connection, said: { type: "HTTP", http } };
    });
  }
  const connections =
    kind === "tcp-check" ? bounded(option!, tcpConnections(proxy, server, notes), notes) : [];
  if (connections.length > 0) {
    return connections.map(({ connection, exchanges }) => ({ connection, said: tcpOf(exchanges) }));
  }
  const exchanges = kind === "tcp-check" ? [] : ((option && protocolOf(option, notes)) ?? []);
  return [{ connection: {}, said: tcpOf(exchanges) }];
}

function tcpOf(exchanges: ExchangeInput[]): Said {
  return { type: "TCP", ...(exchanges.length > 0 && { tcp: { exchanges } }) };
}

function bounded<T>(option: Statement, connections: readonly T[], notes: Notes): readonly T[] {
  if (connections.length <= maxConnections) return connections;
  return (
    attempt(option, notes, () => unsupported(`a check has at most ${maxConnections} connections`)) ??
    connections.slice(0, maxConnections)
  );
}

const checkOptions = ["httpchk", "tcp-check", "external-check", ...Object.keys(protocolExchanges)];

/** The last one says what a check is; absent: a connection. */
function checkOption({ settings: own }: Proxy): Statement | undefined {
  for (let settings: Proxy["settings"] | undefined = own; settings; settings = settings.inherited) {
    const options = settings.byKeyword.get("option") ?? [];
    const last = options.findLast((statement) => checkOptions.includes(wordAt(statement, 1)));
    if (last) return last.prefix ? undefined : last;
  }
  return undefined;
}

/** HAProxy warns of the same. */
function noteUnusedRules(proxy: Proxy, option: Statement | undefined, notes: Notes): void {
  const used = option && wordAt(option, 1);
  for (const [keyword, needed] of [
    ["tcp-check", "tcp-check"],
    ["http-check", "httpchk"],
  ] as const) {
    if (used === needed) continue;
    for (const statement of proxy.settings.byKeyword.get(keyword) ?? []) {
      const message = `has no effect without \`option ${needed}\`, in HAProxy neither`;
      notes.add(statement, {
        code: "statement-ignored",
        message,
        remedy: "Write the option, or remove the rule.",
      });
    }
  }
}

function protocolOf(option: Statement, notes: Notes): ExchangeInput[] | undefined {
  const name = wordAt(option, 1);
  if (name === "external-check") {
    const message = "no command is run: the check opens a connection";
    notes.add(option, { code: "statement-approximated", message });
    return undefined;
  }
  return attempt(option, notes, () => protocolExchanges[name]!(option));
}

// --- what servers say ------------------------------------------------------------------------------------------------

function paceOf(proxy: Proxy, { options }: Server): Pace {
  const { intervalMs = defaults.intervalMs, fastIntervalMs, downIntervalMs, rise, fall } = options;
  return {
    interval: formatDuration(intervalMs),
    timeout: formatDuration(timeoutMs(proxy, intervalMs)),
    unhealthyThreshold: fall ?? defaults.fall,
    healthyThreshold: rise ?? defaults.rise,
    ...(fastIntervalMs !== undefined && { fastInterval: formatDuration(fastIntervalMs) }),
    ...(downIntervalMs !== undefined && { downInterval: formatDuration(downIntervalMs) }),
  };
}

/** Without `timeout check` one may last until the next is due; a little less keeps them apart. */
function timeoutMs(proxy: Proxy, intervalMs: number): number {
  const statement = settingOf(proxy, "timeout", "check");
  const longest = Math.max(1, Math.floor(intervalMs * 0.9));
  return statement ? Math.min(readDurationMs(statement.words[2]), longest) : longest;
}

/** Where an interval of the backend's does not hold, it is the server's `inter`. */
function differenceOf(own: Pace, common: Pace): Partial<Pace> {
  const whole = { ...own };
  if (common.fastInterval !== undefined) whole.fastInterval ??= whole.interval!;
  if (common.downInterval !== undefined) whole.downInterval ??= whole.interval!;
  return Object.fromEntries(
    Object.entries(whole).filter(([name, value]) => value !== common[name as keyof Pace]),
  );
}

/** What the rule that opens the check says of its connection is not the server's to say. */
function serverOverrides({ options }: Server, { port, address, kind }: Connection): Overrides {
  const own = ownOverrides(options);
  return Object.fromEntries(
    Object.entries(own).filter(([name]) => {
      if (name === "port") return port === undefined;
      if (name === "address") return address === undefined;
      return kind === undefined;
    }),
  );
}

/** `undefined`: servers differ. */
function commonOf(overrides: readonly Overrides[]): Overrides | undefined {
  const [first] = overrides;
  const text = JSON.stringify(first);
  return overrides.every((one) => JSON.stringify(one) === text) ? first : undefined;
}

function placeIn({ port, address }: Overrides = {}): Overrides {
  return { ...(port !== undefined && { port }), ...(address !== undefined && { address }) };
}

function withOverrides(said: Said, overrides: Overrides): object {
  const { type } = said;
  const spoken = said.type === "HTTP" ? { http: said.http } : said.tcp ? { tcp: said.tcp } : {};
  return { type, ...(Object.keys(overrides).length > 0 && { overrides }), ...spoken };
}
