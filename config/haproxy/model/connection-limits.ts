// `maxconn`, `rate-limit sessions`, and rules that refuse clients for their connections (§4.2, §7.3.4 `src_conn_rate`) →
// limits of listeners.
import { formatDuration } from "../../duration-text.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import { testsOf, type Condition, type Subject } from "../condition/condition.ts";
import { networksOf } from "../condition/client-networks.ts";
import type { Conjunction, Literal } from "../condition/normal-form.ts";
import { disjunctiveForm } from "../condition/normal-form.ts";
import { conditionStart, type Scope } from "../condition/parse-condition.ts";
import type { Notes } from "../notes.ts";
import type { ImportedListener } from "./listeners.ts";
import { trackOf } from "../program/track.ts";
import { storedPeriodMs, storesCounter } from "../program/stick-table.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

export type ConnectionInput = NonNullable<NonNullable<NativeConfigInput["listeners"]>[number]["connection"]>;
type ClientLimit = NonNullable<ConnectionInput["clientLimits"]>[number];
type ConnectionSubject = Extract<Subject, { type: "connections" }>;

export interface LimitContext {
  readonly scope: Scope;
  /** Of a rule; `undefined`: it names an ACL that could not be read. */
  readonly conditionOf: (statement: Statement) => Condition | undefined;
  /** Whose stick tables rules may name. */
  readonly tables: ReadonlyMap<string, Proxy>;
  readonly notes: Notes;
}

/** What holds for each port of a section. */
export function readConnectionLimits(proxy: Proxy, context: LimitContext): ConnectionInput {
  const { notes } = context;
  const read = <T>(statement: Statement | undefined, of: (statement: Statement) => T): T | undefined =>
    statement && attempt(statement, notes, () => of(statement));
  const value = read(settingOf(proxy, "maxconn"), (statement) => countOf(wordAt(statement, 1)));
  const connections = read(settingOf(proxy, "rate-limit", "sessions"), (statement) =>
    countOf(wordAt(statement, 2)),
  );
  const clientLimits = readClientLimits(proxy, context);
  return {
    ...(value && { connectionLimit: { value, overflow: "Queue" } }),
    ...(connections && { rateLimit: { connections, window: "1s", overflow: "Queue" } }),
    ...(clientLimits.length > 0 && { clientLimits }),
  };
}

/** With another bound on connections at once; the lower one counts. */
export function withMaximum(limits: ConnectionInput, maximum: number | undefined): ConnectionInput {
  const own = limits.connectionLimit?.value ?? Infinity;
  if (maximum === undefined || maximum >= own) return limits;
  return { ...limits, connectionLimit: { value: maximum, overflow: "Queue" } };
}

/**
 * `maxconn` of `global` holds for each listener whose connections are counted anyway. Plain HTTP has sockets of the runtime's
 * own, which are faster and do not count, unless its section asks for that.
 */
export function withGlobalMaximum(
  listeners: readonly ImportedListener[],
  statement: Statement | undefined,
  notes: Notes,
): ImportedListener[] {
  const maximum = statement && attempt(statement, notes, () => countOf(wordAt(statement, 1)));
  if (statement === undefined || maximum === undefined) return [...listeners];
  const isCounted = ({ listener }: ImportedListener): boolean =>
    listener.protocol !== "HTTP" || listener.connection !== undefined || listener.proxyProtocol !== undefined;
  const passedOver = listeners.filter((imported) => !isCounted(imported));
  if (passedOver.length > 0) {
    notes.add(statement, {
      code: "statement-ignored",
      message: `connections of ${passedOver.map(({ listener }) => JSON.stringify(listener.name)).join(", ")} are not counted for this alone`,
      remedy: "Write maxconn in the frontend, too, if they are to be.",
    });
  }
  const limited = listeners.map((imported): ImportedListener => {
    if (!isCounted(imported)) return imported;
    const { listener } = imported;
    return {
      ...imported,
      listener: { ...listener, connection: withMaximum(listener.connection ?? {}, maximum) },
    };
  });
  const sum = limited.reduce(
    (all, { listener }) => all + (listener.connection?.connectionLimit?.value ?? 0),
    0,
  );
  if (sum > maximum) {
    notes.add(statement, {
      code: "statement-approximated",
      message: "each listener may have as many connections, rather than all together",
    });
  }
  return limited;
}

const maxCount = 1_000_000;

/** 0: as many as come. What is beyond any machine's is as good as that. Throws `StatementProblem`. */
export function countOf(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return invalid(`expected a number; found ${JSON.stringify(text)}`);
  const value = Number(text);
  return value === 0 || value > maxCount ? undefined : value;
}

/** Actions that refuse connections, and those that refuse requests for the sake of their connections. */
const refusals = /^(?:reject|silent-drop|deny|return|tarpit)$/;

/** Whether a condition looks at a client's connections; its rule is none of requests then. */
export function isAboutConnections(condition: Condition): boolean {
  return testsOf(condition).some(({ subject }) => subject.type === "connections");
}

function readClientLimits(proxy: Proxy, context: LimitContext): ClientLimit[] {
  const { conditionOf, notes } = context;
  const limits: ClientLimit[] = [];
  /** Networks that an earlier rule of the layer lets in. */
  const accepted = new Map<string, string[]>();
  const tcp = statementsOf(proxy, "tcp-request");
  // What these accept goes on as everything else does.
  const idle = new Set(tcp.slice(tcp.findLastIndex((rule) => !isAcceptance(rule)) + 1));
  for (const statement of [...tcp, ...statementsOf(proxy, "http-request")]) {
    if (conditionStart(statement.words, 1) < 0 || idle.has(statement)) continue;
    attempt(statement, notes, () => {
      const condition = conditionOf(statement);
      if (!condition) return;
      const layer = wordAt(statement, 0) === "http-request" ? "http" : wordAt(statement, 1);
      const known = accepted.get(layer) ?? [];
      if (isAboutConnections(condition)) {
        const own = limitsOf(statement, condition, proxy, context);
        limits.push(...own.map((limit) => withExceptions(limit, known)));
      } else if (/^(?:accept|allow)$/.test(wordAt(statement, layer === "http" ? 1 : 2))) {
        const networks = condition.kind === "test" ? networksOf(condition) : undefined;
        accepted.set(layer, [...known, ...(networks ?? [])]);
      }
    });
  }
  return limits;
}

function isAcceptance(rule: Statement): boolean {
  return wordAt(rule, 1) === "inspect-delay" || wordAt(rule, 2) === "accept";
}

function withExceptions(limit: ClientLimit, networks: readonly string[]): ClientLimit {
  const exceptCIDRs = [...(limit.exceptCIDRs ?? []), ...networks];
  return exceptCIDRs.length > 0 ? { ...limit, exceptCIDRs } : limit;
}

function limitsOf(
  statement: Statement,
  condition: Condition,
  proxy: Proxy,
  context: LimitContext,
): ClientLimit[] {
  const isRequest = wordAt(statement, 0) === "http-request";
  const action = wordAt(statement, isRequest ? 1 : 2);
  if (!refusals.test(action)) {
    return unsupported(
      "a client's connections can only decide whether it is refused",
      "Write `tcp-request connection reject`.",
    );
  }
  if (proxy.kind === "backend") {
    return unsupported("a backend takes no connections", "Move the rule into the frontend.");
  }
  const form = disjunctiveForm(condition);
  if (!form) return unsupported("the condition has too many alternatives", "Split the rule.");
  const found = form.map((conjunction) => limitOf(conjunction, proxy, context));
  if (isRequest) {
    context.notes.add(statement, {
      code: "statement-approximated",
      message:
        "connections beyond the limit are closed as they come, in place of an answer to their requests",
    });
  }
  return found;
}

function limitOf(conjunction: Conjunction, proxy: Proxy, context: LimitContext): ClientLimit {
  const counted = conjunction.filter(({ test }) => test.subject.type === "connections");
  const [count, ...others] = counted;
  if (!count || others.length > 0 || !count.holds) {
    return unsupported(
      "clients are refused above one number of connections",
      "Write one rule for each number, with gt or ge.",
    );
  }
  const networks = conjunction.filter((literal) => literal !== count).map(networksOfLiteral);
  const of = (holds: boolean): string[] =>
    networks.flatMap((one) => (one.holds === holds ? one.networks : []));
  if (networks.filter(({ holds }) => holds).length > 1) {
    return unsupported("networks that overlap are not told apart", "Write their common part.");
  }
  return {
    ...(of(true).length > 0 && { clientCIDRs: of(true) }),
    ...(of(false).length > 0 && { exceptCIDRs: of(false) }),
    ...boundOf(count, proxy, context),
  };
}

function networksOfLiteral({ test, holds }: Literal): { networks: string[]; holds: boolean } {
  const networks = networksOf({ kind: "test", test });
  if (networks) return { networks: [...networks], holds };
  return unsupported(
    "connections are refused as they come, before anything but the client's address is known",
    "Test src alone, or count requests with http_req_rate.",
  );
}

function boundOf({ test }: Literal, proxy: Proxy, context: LimitContext): ClientLimit {
  const { counter, counts, table } = test.subject as ConnectionSubject;
  const track = trackOf(proxy, counter, context.scope);
  if (track && track.key !== "src") {
    return unsupported(`connections are not counted by ${JSON.stringify(track.key)}`, "Track src.");
  }
  const name = table ?? track?.table ?? proxy.name;
  const owner =
    context.tables.get(name) ?? invalid(`no section with a stick-table is named ${JSON.stringify(name)}`);
  const bound = Number(test.values[0]);
  if (counts === "conn_cur") {
    if (!storesCounter(owner, counts))
      return invalid(`the table of ${JSON.stringify(name)} stores no conn_cur`);
    return { maxConnections: bound };
  }
  return { rateLimit: { connections: bound, window: formatDuration(storedPeriodMs(owner, counts)) } };
}
