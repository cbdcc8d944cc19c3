// `option httpchk` with the rules of `http-check` → the connections of an HTTP check, one after the other.
import { checkMethodSchema } from "#contract/active-health-check.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import type { Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import { type Connection, readConnect } from "./check-connect.ts";
import { withExpectation } from "./check-expect.ts";
import { CheckTexts } from "./check-texts.ts";
import { checkRules } from "./tcp-check.ts";

type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type ActiveCheck = NonNullable<NonNullable<BackendInput["healthCheck"]>["active"]>;
export type HttpProbe = Extract<ActiveCheck, { type: "HTTP" }>["http"];

export interface HttpConnection {
  readonly connection: Connection;
  readonly http: HttpProbe;
}

/** Statuses that HAProxy takes for healthy without `expect`. */
const healthy = ["200-399"];
/** What is left to the rest of the check. */
const everyStatus = ["100-599"];

export function httpConnections(
  option: Statement,
  proxy: Proxy,
  server: string | undefined,
  notes: Notes,
): HttpConnection[] {
  const fresh: HttpProbe = { path: "/", method: "OPTIONS", expectedStatuses: everyStatus };
  const first = attempt(option, notes, () => readHttpchk(option, fresh)) ?? fresh;
  const reader = new RuleReader(new CheckTexts(proxy.name, server), first, fresh, notes);
  const rules = checkRules(proxy, "http-check");
  for (const statement of rules) attempt(statement, notes, () => reader.take(statement));
  const drains = rules.some((statement) => wordAt(statement, 1) === "disable-on-404");
  return reader.connections(drains);
}

/** What has been read of one connection. */
interface Open {
  connection: Connection;
  http: HttpProbe;
  hasSent: boolean;
  hasExpected: boolean;
}

class RuleReader {
  readonly #texts: CheckTexts;
  readonly #notes: Notes;
  readonly #fresh: HttpProbe;
  readonly #all: Open[];

  constructor(texts: CheckTexts, first: HttpProbe, fresh: HttpProbe, notes: Notes) {
    this.#texts = texts;
    this.#notes = notes;
    this.#fresh = fresh;
    this.#all = [{ connection: {}, http: first, hasSent: false, hasExpected: false }];
  }

  take(statement: Statement): void {
    if (this.#texts.takes(statement)) return;
    const open = this.#all.at(-1)!;
    switch (wordAt(statement, 1)) {
      case "connect": {
        const connection = readConnect(statement, this.#texts, this.#notes);
        if (open.hasSent || open.hasExpected) this.#begin(connection);
        else open.connection = connection;
        return;
      }
      case "send": {
        // What HAProxy asks next on the same connection has one of its own.
        if (open.hasSent || open.hasExpected) this.#begin(open.connection);
        const asking = this.#all.at(-1)!;
        asking.http = readSend(statement, asking.http, this.#texts);
        asking.hasSent = true;
        return;
      }
      case "expect":
        open.http = withExpectation(open.http, statement, this.#texts, this.#notes);
        open.hasExpected = true;
        return;
      case "disable-on-404":
      case "comment":
        return;
      case "send-state":
        this.#notes.add(statement, {
          code: "statement-ignored",
          message: "checks do not tell the server what is thought of it",
        });
        return;
      default:
        return invalid(`${JSON.stringify(wordAt(statement, 1))} is no keyword here`);
    }
  }

  #begin(connection: Connection): void {
    this.#all.push({ connection, http: this.#fresh, hasSent: false, hasExpected: false });
  }

  /** What nothing is expected of must at least be well, where it is the last. */
  connections(drains: boolean): HttpConnection[] {
    return this.#all.map(({ connection, http, hasExpected }, index) => {
      const isLast = index === this.#all.length - 1;
      const expectedStatuses = isLast && !hasExpected ? healthy : http.expectedStatuses!;
      return { connection, http: { ...http, expectedStatuses, ...(drains && { drainStatuses: [404] }) } };
    });
  }
}

/** `option httpchk [method] uri [version and headers]`. */
function readHttpchk(statement: Statement, probe: HttpProbe): HttpProbe {
  const [first, second, ...version] = wordsFrom(statement, 2);
  if (first === undefined) return probe;
  if (second === undefined) return { ...probe, path: first };
  // The old way to send headers, and with an empty line a body: `HTTP/1.1\r\nHost:\ www`.
  const [head = "", body = ""] = version.join(" ").split(/\r?\n\r?\n/, 2);
  let read: HttpProbe = { ...probe, method: methodOf(first), path: second };
  for (const line of head.split(/\r?\n/).slice(1)) {
    const colon = line.indexOf(":");
    if (colon > 0) read = withHeader(read, line.slice(0, colon).trim(), line.slice(colon + 1).trim());
  }
  return body === "" ? read : { ...read, body };
}

function methodOf(text: string): NonNullable<HttpProbe["method"]> {
  const method = checkMethodSchema.safeParse(text.toUpperCase());
  if (method.success) return method.data;
  const names = checkMethodSchema.options.join(", ");
  return unsupported(`checks cannot use the method ${JSON.stringify(text)}`, `Use one of ${names}.`);
}

function readSend(statement: Statement, before: HttpProbe, texts: CheckTexts): HttpProbe {
  let probe = before;
  for (const { name, argument } of keywordsOf(statement, 2)) {
    switch (name) {
      case "meth":
        probe = { ...probe, method: methodOf(argument()) };
        break;
      case "uri":
        probe = { ...probe, path: argument() };
        break;
      case "uri-lf":
        probe = { ...probe, path: texts.format(argument()) || "/" };
        break;
      case "ver":
      case "comment":
        argument();
        break;
      case "hdr":
        probe = withHeader(probe, argument(), texts.format(argument()));
        break;
      case "body":
        probe = { ...probe, body: argument() };
        break;
      case "body-lf":
        probe = { ...probe, body: texts.format(argument()) };
        break;
      default:
        invalid(`${JSON.stringify(name)} is nothing that checks send`);
    }
  }
  return probe;
}

function withHeader(probe: HttpProbe, name: string, value: string): HttpProbe {
  const lower = name.toLowerCase();
  // They are made from the body.
  if (lower === "content-length" || lower === "transfer-encoding") return probe;
  if (lower === "host") return { ...probe, hostname: value.replace(/:[0-9]+$/, "") };
  return { ...probe, headers: [...(probe.headers ?? []), { name, value }] };
}
