// `option httpchk`, `http-check`, `tcp-check` and the options of servers → active health checks.
import type { NativeConfigInput } from "../../native/schema.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import type { Server } from "./server-line.ts";
import {
  noteConnect,
  patternOf,
  protocolExchanges,
  tcpCheckExchanges,
  type ExchangeInput,
} from "./tcp-check.ts";

type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type ActiveCheck = NonNullable<NonNullable<BackendInput["healthCheck"]>["active"]>;
type HttpProbe = Extract<ActiveCheck, { type: "HTTP" }>["http"];

/** HAProxy's own: `inter 2s rise 2 fall 3`. */
const defaults = { intervalMs: 2_000, rise: 2, fall: 3 };

/** Statuses that HAProxy takes for healthy without `expect`. */
const healthy = ["200-399"];
/** What is left to the rest of the check. */
const everyStatus = ["100-599"];

/** `undefined`: no server asks for checks. Those of one backend are all checked alike. */
export function translateHealthCheck(
  proxy: Proxy,
  servers: readonly Server[],
  notes: Notes,
): ActiveCheck | undefined {
  const checked = servers.filter(({ options }) => options.check);
  const [first] = checked;
  if (!first) return undefined;
  noteDifferences(servers, first, notes);
  const {
    intervalMs = defaults.intervalMs,
    fastIntervalMs,
    downIntervalMs,
    rise,
    fall,
    checkPort,
  } = first.options;
  const pace = {
    interval: formatDuration(intervalMs),
    timeout: formatDuration(timeoutMs(proxy, intervalMs)),
    unhealthyThreshold: fall ?? defaults.fall,
    healthyThreshold: rise ?? defaults.rise,
    ...(fastIntervalMs !== undefined && { fastInterval: formatDuration(fastIntervalMs) }),
    ...(downIntervalMs !== undefined && { downInterval: formatDuration(downIntervalMs) }),
    ...(checkPort !== undefined && { overrides: { port: checkPort } }),
  };
  const option = checkOption(proxy);
  noteUnusedRules(proxy, option, notes);
  if (option && wordAt(option, 1) === "httpchk")
    return { type: "HTTP", ...pace, http: httpProbe(option, proxy, notes) };
  const exchanges = (option && exchangesOf(option, proxy, notes)) ?? [];
  return { type: "TCP", ...pace, ...(exchanges.length > 0 && { tcp: { exchanges } }) };
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

function exchangesOf(option: Statement, proxy: Proxy, notes: Notes): ExchangeInput[] | undefined {
  const name = wordAt(option, 1);
  if (name === "tcp-check") return tcpCheckExchanges(proxy, notes);
  if (name === "external-check") {
    const message = "no command is run: the check opens a connection";
    notes.add(option, { code: "statement-approximated", message });
    return undefined;
  }
  return attempt(option, notes, () => protocolExchanges[name]!(option));
}

/** Without `timeout check` one may last until the next is due; a little less keeps them apart. */
function timeoutMs(proxy: Proxy, intervalMs: number): number {
  const statement = settingOf(proxy, "timeout", "check");
  const longest = Math.max(1, Math.floor(intervalMs * 0.9));
  return statement ? Math.min(readDurationMs(statement.words[2]), longest) : longest;
}

function noteDifferences(servers: readonly Server[], first: Server, notes: Notes): void {
  for (const server of servers) {
    const { options, statement } = server;
    if (!options.check && !options.disabled) {
      const message = "the server is checked like the others of this backend";
      notes.add(statement, {
        code: "statement-approximated",
        message,
        remedy: "Give it a backend of its own.",
      });
    }
    if (options.check && paceOf(server) !== paceOf({ ...server, options: first.options })) {
      const message = `its check is that of ${JSON.stringify(first.name)}: a backend has one`;
      notes.add(statement, { code: "statement-approximated", message });
    }
    if (options.check && options.checkTls === true && !options.tls) {
      const message = "checks speak what requests do, without TLS";
      notes.add(statement, {
        code: "statement-approximated",
        message,
        remedy: "Give the server `ssl`, or have the check's port answer without TLS.",
      });
    }
    // HAProxy speaks no TLS to another port unless `check-ssl` says so.
    if (options.check && options.tls && options.checkPort !== undefined && !options.checkTls) {
      const message = "the check of another port speaks TLS, as requests do";
      notes.add(statement, { code: "statement-approximated", message });
    }
  }
}

/** When a server is checked, and on which port. */
function paceOf({ options, port }: Server): string {
  const { intervalMs = defaults.intervalMs, fastIntervalMs, downIntervalMs } = options;
  const { rise = defaults.rise, fall = defaults.fall, checkPort = port } = options;
  return [intervalMs, fastIntervalMs, downIntervalMs, rise, fall, checkPort].join(" ");
}

function httpProbe(option: Statement, proxy: Proxy, notes: Notes): HttpProbe {
  let probe: HttpProbe = { path: "/", method: "OPTIONS", expectedStatuses: healthy };
  probe = attempt(option, notes, () => readHttpchk(option, probe)) ?? probe;
  const statements = statementsOf(proxy, "http-check");
  if (statements.some((statement) => wordAt(statement, 1) === "expect"))
    probe = { ...probe, expectedStatuses: everyStatus };
  for (const statement of statements) {
    probe = attempt(statement, notes, () => readHttpCheck(statement, probe, notes)) ?? probe;
  }
  return probe;
}

/** `option httpchk [method] uri [version and headers]`. */
function readHttpchk(statement: Statement, probe: HttpProbe): HttpProbe {
  const [first, second, ...version] = wordsFrom(statement, 2);
  if (first === undefined) return probe;
  if (second === undefined) return { ...probe, path: first };
  // The old way to send a Host: `HTTP/1.1\r\nHost:\ www`.
  const host = /\r?\n(?:[^\n]*\n)*?host:[ \t]*([^\r\n]+)/i.exec(version.join(" "))?.[1];
  return { ...probe, method: methodOf(first), path: second, ...(host !== undefined && hostOf(host)) };
}

function methodOf(text: string): NonNullable<HttpProbe["method"]> {
  if (text === "GET" || text === "HEAD" || text === "OPTIONS") return text;
  return unsupported(`checks cannot use the method ${JSON.stringify(text)}`, "Use GET, HEAD or OPTIONS.");
}

function hostOf(host: string): Pick<HttpProbe, "hostname"> {
  return { hostname: host.trim().replace(/:[0-9]+$/, "") };
}

function readHttpCheck(statement: Statement, probe: HttpProbe, notes: Notes): HttpProbe {
  switch (wordAt(statement, 1)) {
    case "send":
      return readSend(statement, probe);
    case "expect":
      return readExpect(statement, probe);
    case "disable-on-404":
    case "send-state": {
      const message = "checks do not do this";
      notes.add(statement, { code: "statement-ignored", message });
      return probe;
    }
    case "connect":
      noteConnect(statement, notes);
      return probe;
    case "comment":
    case "set-var":
    case "set-var-fmt":
    case "unset-var":
      return probe;
    default:
      return invalid(`${JSON.stringify(wordAt(statement, 1))} is no keyword here`);
  }
}

function readSend(statement: Statement, before: HttpProbe): HttpProbe {
  let probe = before;
  for (const { name, argument } of keywordsOf(statement, 2)) {
    switch (name) {
      case "meth":
        probe = { ...probe, method: methodOf(argument()) };
        break;
      case "uri":
        probe = { ...probe, path: argument() };
        break;
      case "ver":
        argument();
        break;
      case "hdr":
        probe = withHeader(probe, argument(), argument());
        break;
      default:
        unsupported(`checks cannot send ${JSON.stringify(name)}`, "Use meth, uri and hdr.");
    }
  }
  return probe;
}

function withHeader(probe: HttpProbe, name: string, value: string): HttpProbe {
  if (name.toLowerCase() === "host") return { ...probe, ...hostOf(value) };
  if (value.includes("%["))
    return unsupported("the header of a check cannot depend on anything", "Write a static value.");
  return { ...probe, headers: [...(probe.headers ?? []), { name, value }] };
}

function readExpect(statement: Statement, probe: HttpProbe): HttpProbe {
  const words = wordsFrom(statement, 2);
  const index = words.findIndex((word) => /^(?:status|rstatus|string|rstring|hdr|fhdr|!)$/.test(word));
  const isNegated = words[index] === "!";
  const [kind, value = ""] = words.slice(isNegated ? index + 1 : index);
  if (kind === "status" || kind === "rstatus") {
    const isWanted = kind === "status" ? inRanges(value) : matching(value);
    const before = new Set(probe.expectedStatuses?.flatMap(statusesOf));
    const wanted = allStatuses.filter((status) => before.has(status) && isWanted(status) !== isNegated);
    return { ...probe, expectedStatuses: rangesOf(wanted) };
  }
  if (kind === "string" && !isNegated) return { ...probe, expectedBody: value };
  if (kind === "rstring" && !isNegated) return { ...probe, expectedBodyPattern: patternOf(value) };
  return unsupported(
    "this expectation of a check is not available here",
    "Expect a status, or what the body contains.",
  );
}

const allStatuses = Array.from({ length: 500 }, (_, index) => 100 + index);

type Status = NonNullable<HttpProbe["expectedStatuses"]>[number];

function statusesOf(status: Status): number[] {
  const isWithin = inRanges(String(status));
  return allStatuses.filter(isWithin);
}

function rangesOf(statuses: readonly number[]): Status[] {
  const ranges: [number, number][] = [];
  for (const status of statuses) {
    const last = ranges.at(-1);
    if (last?.[1] === status - 1) last[1] = status;
    else ranges.push([status, status]);
  }
  if (ranges.length === 0) return unsupported("no status fulfils all that the check expects", "Remove one.");
  return ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`));
}

/** `200,201,300-310`. */
function inRanges(text: string): (status: number) => boolean {
  const ranges = text.split(",").map((part) => {
    const found = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/.exec(part);
    if (!found) return invalid(`expected statuses such as 200-299; found ${JSON.stringify(text)}`);
    return [Number(found[1]), Number(found[2] ?? found[1])] as const;
  });
  return (status) => ranges.some(([first, last]) => status >= first && status <= last);
}

/** Of three digits, so that no expression takes long. */
function matching(source: string): (status: number) => boolean {
  const pattern = new RegExp(patternOf(source));
  return (status) => pattern.test(String(status));
}
