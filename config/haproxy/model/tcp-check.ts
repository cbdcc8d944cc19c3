// `option tcp-check` with its rules, and the options that check a protocol → what a TCP check says and waits for.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { TcpExchange } from "#contract/tcp-exchange.ts";
import { fromBytes, toBytes } from "#contract/text/bytes.ts";
import { searchedPattern } from "../condition/text-pattern.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { statementsIn, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordsFrom, type Statement } from "../statement.ts";
import { type Connection, readConnect } from "./check-connect.ts";
import { CheckTexts } from "./check-texts.ts";

/** What is written in the configuration: `encoding` has a default. */
export type ExchangeInput = Omit<TcpExchange, "encoding"> & Partial<Pick<TcpExchange, "encoding">>;

export interface TcpConnection {
  readonly connection: Connection;
  readonly exchanges: ExchangeInput[];
}

/** Anything, lines included. */
const anything = "[\\s\\S]*";

/** Rules of `tcp-check` or `http-check`: those of the section itself, or else those that it inherits. */
export function checkRules({ settings }: Proxy, keyword: "tcp-check" | "http-check"): readonly Statement[] {
  return settings.byKeyword.get(keyword) ?? statementsIn(settings.inherited, keyword);
}

/** Notes what cannot be checked as an error: servers would be up that HAProxy has down. */
export function tcpConnections(proxy: Proxy, server: string | undefined, notes: Notes): TcpConnection[] {
  const texts = new CheckTexts(proxy.name, server);
  const connections: { connection: Connection; exchanges: ExchangeInput[] }[] = [];
  for (const statement of checkRules(proxy, "tcp-check")) {
    const said = attempt(statement, notes, () => readRule(statement, texts, notes));
    if (!said) continue;
    const isConnection = "connection" in said;
    if (isConnection || connections.length === 0) {
      connections.push({ connection: isConnection ? said.connection : {}, exchanges: [] });
    }
    if (!isConnection) addExchange(connections.at(-1)!.exchanges, said);
  }
  return connections;
}

/** What is expected next to what is sent is one exchange with it, so long as both are written alike. */
function addExchange(exchanges: ExchangeInput[], said: ExchangeInput): void {
  const last = exchanges.at(-1);
  const isAnswer = last !== undefined && said.send === undefined && !isExpecting(last);
  if (isAnswer && (last.encoding === said.encoding || said.receivePattern !== undefined)) {
    exchanges[exchanges.length - 1] = { ...said, ...last };
  } else exchanges.push(said);
}

const isExpecting = ({ receive, receivePattern }: ExchangeInput): boolean =>
  receive !== undefined || receivePattern !== undefined;

/** `undefined`: a rule that says and expects nothing. */
function readRule(
  statement: Statement,
  texts: CheckTexts,
  notes: Notes,
): ExchangeInput | { readonly connection: Connection } | undefined {
  if (texts.takes(statement)) return undefined;
  const [kind, text = ""] = wordsFrom(statement, 1);
  switch (kind) {
    case "connect":
      return { connection: readConnect(statement, texts, notes) };
    case "send":
      return { send: nonEmpty(text) };
    case "send-lf":
      return { send: nonEmpty(texts.format(nonEmpty(text))) };
    case "send-binary":
      return { send: base64OfHex(text), encoding: "Base64" };
    case "send-binary-lf":
      return { send: base64OfHex(texts.format(text)), encoding: "Base64" };
    case "expect":
      return readExpect(statement, texts);
    case "comment":
      return undefined;
    default:
      return invalid(`${JSON.stringify(kind ?? "")} is no keyword here`);
  }
}

/** What `expect` says of how a result is told; none of it changes the result. */
export const toldBy: ReadonlySet<string> = new Set([
  "comment",
  "on-success",
  "on-error",
  "status-code",
  "ok-status",
  "error-status",
  "tout-status",
]);

function readExpect(statement: Statement, texts: CheckTexts): ExchangeInput {
  let minimum: Pick<ExchangeInput, "minReceivedBytes"> = {};
  let isNegated = false;
  for (const { name: written, word, argument } of keywordsOf(statement, 2)) {
    const name = written.replace(/^!/, "");
    isNegated ||= written.startsWith("!");
    if (name === "") continue;
    if (toldBy.has(name)) {
      argument();
      continue;
    }
    const told = { ...minimum, ...(isNegated && { invert: true as const }) };
    switch (name) {
      case "min-recv":
        minimum = minimumOf(argument());
        break;
      case "string":
        return { receive: argument(), ...told };
      case "string-lf":
        return { receive: texts.format(argument()), ...told };
      case "binary":
        return { receive: base64OfHex(argument()), encoding: "Base64", ...told };
      case "binary-lf":
        return { receive: base64OfHex(texts.format(argument())), encoding: "Base64", ...told };
      case "rstring":
        return { receivePattern: searchedPattern(linearPattern(argument()), "", "", anything), ...told };
      default:
        return unsupported(
          `checks cannot expect ${JSON.stringify(name)}`,
          "Expect a string, rstring or binary.",
          word,
        );
    }
  }
  return invalid("expected string, rstring or binary");
}

/** -1 is none. */
function minimumOf(text: string): Pick<ExchangeInput, "minReceivedBytes"> {
  if (text === "-1") return {};
  const bytes = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || bytes < 1 || bytes > 16_384) {
    return unsupported(`expected a length from 1 to 16384; found ${JSON.stringify(text)}`);
  }
  return { minReceivedBytes: bytes };
}

function nonEmpty(text: string): string {
  return text === "" ? invalid("expected what is sent") : text;
}

function base64OfHex(hex: string): string {
  if (!/^(?:[0-9a-f]{2})+$/i.test(hex))
    return invalid(`expected pairs of hex digits; found ${JSON.stringify(hex)}`);
  return btoa(hex.replace(/../g, (digits) => String.fromCharCode(parseInt(digits, 16))));
}

/** The expression. Throws `StatementProblem` for what does not run in linear time. */
export function linearPattern(source: string): string {
  const problem = patternError(source);
  return problem === undefined ? source : unsupported(`the expression cannot be used here: ${problem}`);
}

/** `option …-check` and its like, by the name of the option: what HAProxy says and expects (check.c, tcpcheck.c). */
export const protocolExchanges: Readonly<Record<string, (statement: Statement) => ExchangeInput[]>> = {
  "redis-check": () => [{ send: "*1\r\n$4\r\nPING\r\n", receive: "+PONG\r\n" }],
  smtpchk: (statement) => {
    const [command = "HELO", domain = "localhost"] = wordsFrom(statement, 2);
    const greeting = /^(?:HELO|EHLO)$/i.test(command) ? `${command} ${domain}` : "HELO localhost";
    const accepted = `2[0-9]{2}[- \\r]${anything}`;
    return [
      { receivePattern: `2[0-9]{2}[ \\r]${anything}` },
      { send: `${greeting}\r\n`, receivePattern: accepted },
      { send: "QUIT\r\n", receivePattern: accepted },
    ];
  },
  // The startup message, and a request to authenticate (R) that is no error.
  "pgsql-check": (statement) => {
    const message = `\u0000\u0003\u0000\u0000user\u0000${userOf(statement)}\u0000\u0000`;
    return [
      {
        send: btoa(`${bytesOf(toBytes(message).length + 4, 4)}${message}`),
        receivePattern: `R\\x00\\x00\\x00[\\s\\S]\\x00\\x00\\x00[\\x00\\x02-\\x07\\x09\\x0A]${anything}`,
        encoding: "Base64",
      },
    ];
  },
  // An anonymous bind, and an answer to it that says success.
  "ldap-check": () => [
    {
      send: btoa("\u0030\u000c\u0002\u0001\u0001\u0060\u0007\u0002\u0001\u0003\u0004\u0000\u0080\u0000"),
      receivePattern: `0[\\s\\S]{1,5}\\x02\\x01\\x01a[\\s\\S]{1,5}\\x0A\\x01\\x00${anything}`,
      encoding: "Base64",
    },
  ],
  "mysql-check": mysqlExchanges,
  "ssl-hello-chk": () => [
    { send: btoa(clientHello()), receivePattern: `[\\x15\\x16]${anything}`, encoding: "Base64" },
  ],
};

/** Big endian. */
const bytesOf = (value: number, count: number): string =>
  Array.from({ length: count }, (_, index) =>
    String.fromCharCode((value >> (8 * (count - 1 - index))) & 255),
  ).join("");

/** `user <name>` of an option. */
function userOf(statement: Statement): string {
  const words = wordsFrom(statement, 2);
  const name = words[words.indexOf("user") + 1];
  return words.includes("user") && name !== undefined
    ? fromBytes(new TextEncoder().encode(name))
    : invalid("expected `user` and a name");
}

/** The server's handshake, which is no error; with a user also an answer to a login without a password, and the end. */
function mysqlExchanges(statement: Statement): ExchangeInput[] {
  const noError = `[\\s\\S]{4}[^\\xFF]${anything}`;
  if (!wordsFrom(statement, 2).includes("user")) return [{ receivePattern: noError }];
  const user = userOf(statement);
  const isOld = wordsFrom(statement, 2).includes("pre-41");
  const login = isOld
    ? `\u0000\u0080\u0000\u0000\u0001${user}\u0000`
    : `\u0000\u0082\u0000\u0000\u0000\u0080\u0000\u0001\u0021${"\u0000".repeat(23)}${user}\u0000\u0000`;
  const head = String.fromCharCode(login.length & 255, login.length >> 8, 0, 1);
  return [
    { receivePattern: noError },
    { send: btoa(head + login), receivePattern: noError, encoding: "Base64" },
    { send: btoa("\u0001\u0000\u0000\u0000\u0001"), encoding: "Base64" },
  ];
}

/** RFC 5246 §7.4.1.2: a hello of TLS 1.2 with common ciphers, which a server accepts or refuses by an alert. */
function clientHello(): string {
  const ciphers =
    "\u00c0\u002f\u00c0\u0030\u00c0\u002b\u00c0\u002c\u0000\u009c\u0000\u009d\u0000\u002f\u0000\u0035";
  const random = "isthmus asks whether TLS is here";
  const body = `\u0003\u0003${random}\u0000${bytesOf(ciphers.length, 2)}${ciphers}\u0001\u0000`;
  const handshake = `\u0001${bytesOf(body.length, 3)}${body}`;
  return `\u0016\u0003\u0001${bytesOf(handshake.length, 2)}${handshake}`;
}
