// `server` and `default-server` → one server with its options (§5.2).
import { readDurationMs } from "../duration.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import type { Word } from "../split-words.ts";
import { wordAt, type Statement } from "../statement.ts";
import { placeOf } from "./check-connect.ts";
import { noteTlsVersions } from "./tls-versions.ts";

export interface Server {
  readonly statement: Statement;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly options: ServerOptions;
  /** How many of HAProxy's servers it stands for. Default: 1. */
  readonly count?: number;
}

export interface ServerOptions {
  readonly weight: number;
  readonly id?: number;
  readonly check: boolean;
  readonly backup: boolean;
  readonly disabled: boolean;
  readonly tls: boolean;
  readonly serverTls: ServerTls;
  /** `proto h2`, or `alpn` with nothing but `h2`. */
  readonly http2: boolean;
  /** Connections begin with the PROXY protocol. */
  readonly sendProxy?: "V1" | "V2" | undefined;
  readonly intervalMs?: number;
  readonly fastIntervalMs?: number;
  readonly downIntervalMs?: number;
  readonly rise?: number;
  readonly fall?: number;
  readonly slowStartMs?: number;
  readonly checkPort?: number;
  readonly checkAddress?: string;
  /** Whether checks speak TLS; absent: as requests do, or not at all where they go elsewhere. */
  readonly checkTls?: boolean;
  /** Server name that checks ask for. */
  readonly checkHostname?: string;
  readonly checkSendsProxy?: boolean;
  /** What is under way with it is broken off when it goes down. */
  readonly closesWhenDown?: boolean;
  readonly observe?: "layer4" | "layer7";
  readonly errorLimit?: number;
  readonly onError?: OnError;
  /** What the backend's `cookie` calls it. */
  readonly cookie?: string;
  /** These three: 0 is none. */
  readonly maxConnections?: number;
  readonly minConnections?: number;
  readonly maxQueue?: number;
}

export type OnError = (typeof onErrors)[number];
const onErrors = ["fastinter", "fail-check", "sudden-death", "mark-down"] as const;

/** What is said of TLS, wherever `ssl` stands. */
export interface ServerTls {
  readonly verify?: "none" | "required";
  readonly caFile?: string;
  readonly crt?: string;
  /** An expression. */
  readonly sni?: string;
  readonly verifyhost?: string;
}

export const noOptions: ServerOptions = {
  weight: 1,
  check: false,
  backup: false,
  disabled: false,
  tls: false,
  serverTls: {},
  http2: false,
};

type Take = () => string;
type Apply = (options: ServerOptions, take: Take, statement: Statement, notes: Notes) => ServerOptions;

/** Has an argument. */
const skip: Apply = (options, take) => (take(), options);
const ignore =
  (message: string, remedy?: string): Apply =>
  (options, take, statement, notes) => {
    take();
    notes.add(statement, { code: "statement-ignored", message, ...(remedy !== undefined && { remedy }) });
    return options;
  };
/** The same of an option without an argument. */
const ignorePlain =
  (message: string): Apply =>
  (options, _take, statement, notes) => {
    notes.add(statement, { code: "statement-ignored", message });
    return options;
  };
const refuse =
  (message: string, remedy?: string): Apply =>
  () =>
    unsupported(message, remedy);
const time =
  (field: "intervalMs" | "fastIntervalMs" | "downIntervalMs" | "slowStartMs"): Apply =>
  (options, take) => ({ ...options, [field]: readDurationMs({ text: take(), column: 1 }) });
type CountField =
  | "rise"
  | "fall"
  | "weight"
  | "checkPort"
  | "errorLimit"
  | "id"
  | "maxConnections"
  | "minConnections"
  | "maxQueue";
const count =
  (field: CountField, max: number): Apply =>
  (options, take) => {
    const text = take();
    const value = Number(text);
    if (!/^[0-9]{1,10}$/.test(text) || value > max)
      invalid(`expected a number of at most ${max}; found ${JSON.stringify(text)}`);
    return { ...options, [field]: value };
  };

const tlsSetting =
  (field: "caFile" | "crt" | "sni" | "verifyhost"): Apply =>
  (options, take) => ({ ...options, serverTls: { ...options.serverTls, [field]: take() } });

const readOption: Readonly<Record<string, Apply>> = {
  weight: count("weight", 256),
  check: (options) => ({ ...options, check: true }),
  "no-check": (options) => ({ ...options, check: false }),
  backup: (options) => ({ ...options, backup: true }),
  "no-backup": (options) => ({ ...options, backup: false }),
  disabled: (options) => ({ ...options, disabled: true }),
  enabled: (options) => ({ ...options, disabled: false }),
  ssl: (options) => ({ ...options, tls: true }),
  "no-ssl": (options) => ({ ...options, tls: false }),
  inter: time("intervalMs"),
  fastinter: time("fastIntervalMs"),
  downinter: time("downIntervalMs"),
  slowstart: time("slowStartMs"),
  rise: count("rise", 1_000),
  fall: count("fall", 1_000),
  port: count("checkPort", 65_535),
  id: count("id", 2_147_483_647),
  "hash-key": (options, take, statement, notes) => {
    if (take() === "id") return options;
    const message =
      "`hash-type consistent` places the server by its id, so that some clients change servers once";
    notes.add(statement, { code: "statement-approximated", message });
    return options;
  },
  "error-limit": count("errorLimit", 1_000_000),
  observe: (options, take) => {
    const layer = take();
    if (layer !== "layer4" && layer !== "layer7") return invalid("expected layer4 or layer7");
    return { ...options, observe: layer };
  },
  "on-error": (options, take) => {
    const reaction = take();
    const onError = onErrors.find((one) => one === reaction);
    return onError ? { ...options, onError } : invalid(`expected one of ${onErrors.join(", ")}`);
  },
  verify: (options, take) => {
    const verify = take();
    if (verify !== "none" && verify !== "required") return invalid("expected none or required");
    return { ...options, serverTls: { ...options.serverTls, verify } };
  },
  "ca-file": tlsSetting("caFile"),
  crt: tlsSetting("crt"),
  sni: tlsSetting("sni"),
  verifyhost: tlsSetting("verifyhost"),
  "crl-file": refuse("lists of revoked certificates of servers are not read"),
  proto: (options, take) => ({ ...options, http2: take() === "h2" }),
  // Of several, HTTP/1.1 is what a server knows that need not know HTTP/2.
  alpn: (options, take) => ({ ...options, http2: options.http2 || take() === "h2" }),
  "send-proxy": (options) => ({ ...options, sendProxy: "V1" }),
  "send-proxy-v2": (options) => ({ ...options, sendProxy: "V2" }),
  "no-send-proxy": (options) => ({ ...options, sendProxy: undefined }),
  "no-send-proxy-v2": (options) => ({ ...options, sendProxy: undefined }),
  "send-proxy-v2-ssl": refuse("the client's TLS is not told to the server", "Write `send-proxy-v2`."),
  "send-proxy-v2-ssl-cn": refuse("the client's TLS is not told to the server", "Write `send-proxy-v2`."),
  "proxy-v2-options": ignore("proxy-v2-options: the header of the PROXY protocol has addresses only"),
  "set-proxy-v2-tlv-fmt": ignore("set-proxy-v2-tlv-fmt: the header of the PROXY protocol has addresses only"),
  maxconn: count("maxConnections", 4_294_967_295),
  minconn: count("minConnections", 4_294_967_295),
  maxqueue: count("maxQueue", 4_294_967_295),
  "agent-check": ignorePlain("the agent beside the server is not asked for its weight and state"),
  redir: refuse("requests are not redirected to the server", "Use `http-request redirect`."),
  socks4: refuse("servers are not reached through SOCKS"),
  track: ignore("the server's health is its own", "Give it `check`."),
  addr: (options, take) => {
    const { address, port } = placeOf(take());
    return { ...options, checkAddress: address!, ...(port !== undefined && { checkPort: port }) };
  },
  "agent-addr": skip,
  "agent-inter": skip,
  "agent-port": skip,
  "agent-send": skip,
  cookie: (options, take) => ({ ...options, cookie: take() }),
  "check-ssl": (options) => ({ ...options, checkTls: true }),
  "no-check-ssl": (options) => ({ ...options, checkTls: false }),
  "check-alpn": ignore("checks speak what requests do"),
  "check-proto": ignore("checks speak what requests do"),
  "check-sni": (options, take) => ({ ...options, checkHostname: take() }),
  "check-send-proxy": (options) => ({ ...options, checkSendsProxy: true }),
  "no-check-send-proxy": (options) => ({ ...options, checkSendsProxy: false }),
  "init-state": (options, take, statement, notes) => {
    if (take() === "up") return options;
    const message = "the server is taken for up until a check says otherwise";
    notes.add(statement, { code: "statement-ignored", message });
    return options;
  },
  "on-marked-down": (options, take) => {
    if (take() === "shutdown-sessions") return { ...options, closesWhenDown: true };
    return invalid("expected shutdown-sessions");
  },
  "on-marked-up": ignore("what is under way with backup servers goes on when a server is back"),
  source: ignore("connections to the server leave from the address that the system picks"),
  usesrc: ignore("the server sees the gateway's address", "Let it read X-Forwarded-For."),
  interface: ignore("connections to the server leave by the interface that the system picks"),
  "tcp-md5sig": ignore("segments are not signed: a server that asks for it takes no connections"),
  namespace: refuse("servers are looked for in the network of the gateway", "Run Isthmus in that namespace."),
};

/** Options that tune the connection or TLS: nothing is said. */
const plain = new Set(
  `allow-0rtt check-via-socks4 force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13
  no-agent-check no-ssl-reuse no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12
  no-tlsv13 no-check-reuse-pool check-reuse-pool check-sni-auto no-check-sni-auto no-renegotiate
  no-send-proxy-v2-ssl no-send-proxy-v2-ssl-cn no-sni-auto sni-auto renegotiate no-tfo no-verifyhost non-stick ssl-reuse stick tfo tls-tickets strict-maxconn no-strict-maxconn`.split(
    /\s+/,
  ),
);
const withArgument = new Set(
  `check-pool-conn-name healthcheck ktls quic-cc-algo ciphers ciphersuites client-sigalgs curves guid
  init-addr max-reuse npn pool-conn-name pool-low-conn pool-max-conn pool-purge-delay resolve-net
  resolve-opts resolve-prefer resolvers shard sigalgs ssl-max-ver ssl-min-ver tcp-ut ws cc log-bufsize log-proto
  idle-ping`.split(/\s+/),
);

/** `server name address:port …` with the options of `default-server` lines before it. */
export function readServer(
  statement: Statement,
  defaults: ServerOptions,
  notes: Notes,
  clientPort: number | undefined,
): Server {
  const name = wordAt(statement, 1);
  const text = wordAt(statement, 2);
  if (name === "" || text === "") invalid("expected `server <name> <address>:<port>`");
  const { address, port } = readAddress(text, statement.words[2]!, clientPort);
  return { statement, name, address, port, options: readServerOptions(statement, 3, defaults, notes) };
}

/** `server-template prefix count name:port …`: as many servers as the name has addresses. */
export function readTemplate(
  statement: Statement,
  defaults: ServerOptions,
  notes: Notes,
  clientPort: number | undefined,
): Server {
  const [prefix, count, text] = [wordAt(statement, 1), wordAt(statement, 2), wordAt(statement, 3)];
  if (prefix === "" || text === "" || !/^[0-9]{1,5}(?:-[0-9]{1,5})?$/.test(count)) {
    invalid("expected `server-template <prefix> <number> <name>:<port>`");
  }
  if (text.startsWith("_")) {
    unsupported(
      "names of services (SRV) are not resolved",
      "Write a host name and its port.",
      statement.words[3],
    );
  }
  const { address, port } = readAddress(text, statement.words[3]!, clientPort);
  notes.add(statement, {
    code: "statement-approximated",
    message:
      "one endpoint stands for all of its servers: each connection goes to an address that the name has",
    remedy: "Declare a `server` for each address, to balance between them and to check each.",
  });
  return {
    statement,
    name: `${prefix}1`,
    address,
    port,
    options: readServerOptions(statement, 4, defaults, notes),
    count: Number(count.split("-").at(-1)),
  };
}

export function readServerOptions(
  statement: Statement,
  start: number,
  defaults: ServerOptions,
  notes: Notes,
): ServerOptions {
  let options = defaults;
  for (const { name: written, word, argument } of keywordsOf(statement, start)) {
    const name = written.replace(/^(set-proxy-v2-tlv-fmt)\(.*\)$/s, "$1");
    if (plain.has(name)) continue;
    const apply = withArgument.has(name)
      ? skip
      : Object.hasOwn(readOption, name)
        ? readOption[name]!
        : undefined;
    if (!apply) {
      return invalid(`${JSON.stringify(name)} is no option of a server`, {
        word,
        mistyped: { name, known: [...Object.keys(readOption), ...plain, ...withArgument] },
      });
    }
    options = apply(options, argument, statement, notes);
  }
  noteTlsVersions(statement, notes);
  return options;
}

/** `clientPort`: the one port that clients can have connected to, which counts where the server has none. */
function readAddress(
  text: string,
  word: Word,
  clientPort: number | undefined,
): { address: string; port: number } {
  if (/^(?:unix@|abns@|abnsz@|fd@|sockpair@|rhttp@|\/)/.test(text)) {
    return unsupported("endpoints have a TCP port", "Let the server listen on a port.", word);
  }
  const found = /^(?:(?:ipv[46]|tcp[46]?|stream\+ipv[46])@)?(.*?)(?::([+-]?[0-9]{1,5}))?$/s.exec(text)!;
  const address = found[1]!.replace(/^\[(.*)\]$/, "$1");
  if (address === "" || address === "*" || address === "0.0.0.0") {
    return unsupported(
      "the server's address would be that which the client connected to",
      "Write an address.",
      word,
    );
  }
  const written = found[2] ?? "+0";
  const isOffset = /^[+-]/.test(written);
  if (isOffset && clientPort === undefined) {
    return unsupported(
      "the server's port would be that of the client's connection, and there are several",
      "Write it.",
      word,
    );
  }
  const port = Number(written) + (isOffset ? clientPort! : 0);
  if (port < 1 || port > 65_535) invalid(`expected a port from 1 to 65535; found ${port}`, { word });
  return { address, port };
}
