// `bind` → listeners.
import { parseAddress } from "../../native/address.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import {
  certificateFile,
  readCertificates,
  type BindContext,
  type CertificateFolders,
} from "./bind-certificates.ts";
import { countOf, withMaximum, type ConnectionInput } from "./connection-limits.ts";
import type { ProxySenders } from "./proxied-binds.ts";
import { noteTlsVersions } from "./tls-versions.ts";

export type ListenerInput = NonNullable<NativeConfigInput["listeners"]>[number];

export interface ImportedListener {
  readonly statement: Statement;
  readonly listener: ListenerInput;
}

/** What rules of the section say about its connections. */
export interface BindRules {
  readonly proxySenders: ProxySenders | undefined;
  readonly connectionLimits: ConnectionInput;
}

interface Bind {
  readonly statement: Statement;
  /** Empty: every one. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** Clients begin with the PROXY protocol. */
  readonly proxied: boolean;
  readonly maxConnections: number | undefined;
  readonly certificates: readonly string[];
  readonly validation: ClientValidation | undefined;
}

type ClientValidation = NonNullable<NonNullable<ListenerInput["tls"]>["frontendValidation"]>;

/** One listener for each port; a port that is bound for several addresses is one. */
export function translateBinds(
  proxy: Proxy,
  { proxySenders, connectionLimits }: BindRules,
  context: BindContext,
): ImportedListener[] {
  const { listenerNames, notes } = context;
  const statements = statementsOf(proxy, "bind");
  const binds = statements
    .filter((statement) => !isOverQuic(statement))
    .flatMap((statement) => attempt(statement, notes, () => readBind(statement, context)) ?? []);
  for (const statement of statements.filter(isOverQuic))
    attempt(statement, notes, () => noteQuic(statement, binds, notes));
  const ports = Map.groupBy(binds, ({ port }) => port);
  return [...ports.values()].map((same) => {
    const [bind] = same;
    const { statement, port } = bind!;
    const addresses = [...new Set(same.map(({ address }) => address))];
    const protocol = same.some(({ tls }) => tls) ? "HTTPS" : "HTTP";
    const certificates = [...new Set(same.flatMap((other) => other.certificates))];
    const name = listenerNames.take(ports.size === 1 ? proxy.name : `${proxy.name}-${port}`);
    const validation = same.find((other) => other.validation)?.validation;
    const tls = {
      certificates: certificates.map((file) => ({ certFile: file, keyFile: file })),
      ...(validation && { frontendValidation: validation }),
    };
    const connection = connectionOf(same, connectionLimits);
    const listener = {
      name,
      protocol,
      port,
      ...(!addresses.includes("") && { addresses }),
      ...proxyProtocolOf(same, proxySenders, notes),
      ...(connection && { connection }),
      ...(protocol === "HTTPS" && { tls }),
    } as const;
    return { statement, listener };
  });
}

const quic = /^quic[46]?@/;

function isOverQuic(statement: Statement): boolean {
  return wordAt(statement, 1)
    .split(",")
    .every((text) => quic.test(text));
}

/** Clients learn of HTTP/3 where they have been before: without it they stay with TCP. */
function noteQuic(statement: Statement, binds: readonly Bind[], notes: Notes): void {
  const places = wordAt(statement, 1)
    .split(",")
    .flatMap((text) => readAddress(text.replace(quic, ""), statement));
  for (const { port } of places) {
    if (binds.some((bind) => bind.port === port && bind.tls)) continue;
    const remedy = `Bind ${port} with \`ssl\`, too.`;
    unsupported("HTTP/3 is not spoken, and no bind has the port for TCP", remedy, statement.words[1]);
  }
  const message = "HTTP/3 is not spoken: clients speak HTTP/2 and HTTP/1.1 on the same port";
  const remedy = "Remove `alt-svc` headers that announce it.";
  notes.add(statement, { code: "statement-ignored", message, remedy });
}

/** What the section says, and each bind for itself. */
function connectionOf(binds: readonly Bind[], limits: ConnectionInput): ListenerInput["connection"] {
  const maxima = binds.map(({ maxConnections }) => maxConnections);
  const sum = maxima.includes(undefined) ? undefined : maxima.reduce((all, one) => all! + one!, 0);
  const connection = withMaximum(limits, sum);
  return Object.keys(connection).length > 0 ? connection : undefined;
}

/** The header is read before it is known for which address of the port a connection is. */
function proxyProtocolOf(
  binds: readonly Bind[],
  senders: ProxySenders | undefined,
  notes: Notes,
): Pick<ListenerInput, "proxyProtocol"> {
  const [first] = binds;
  const other = binds.find(({ proxied }) => proxied !== first!.proxied);
  if (other) {
    const message = "accept-proxy holds for one address of the port, and not for another";
    notes.add(other.statement, { code: "statement-unsupported", message, remedy: "Use another port." });
  }
  if (first!.proxied) return { proxyProtocol: {} };
  if (!senders) return {};
  const { trustedCIDRs } = senders;
  return { proxyProtocol: trustedCIDRs ? { trustedCIDRs: [...trustedCIDRs] } : {} };
}

/** Options that stand alone, and those with an argument, that tune the socket or TLS. */
const plainOptions = new Set(
  `accept-proxy no-strict-sni tls-tickets defer-accept no-alpn no-ca-names no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11 no-tlsv12
  no-tlsv13 prefer-client-ciphers quic-force-retry shards ssl strict-sni tfo transparent v4v6 v6only allow-0rtt
  force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 generate-certificates accept-netscaler-cip
  default-crt`.split(/\s+/),
);
const argumentOptions = new Set(
  `alpn cc ech expose-fd idle-ping ktls backlog ca-file ca-ignore-err ca-sign-file ca-sign-pass ca-verify-file ciphers ciphersuites client-sigalgs
  crl-file crt crt-ignore-err crt-list curves default-crt ecdhe gid group guid-prefix id interface label level maxconn
  mode mss name namespace nbconn nice npn ocsp-update process proto quic-cc-algo quic-socket severity-output shards sigalgs ssl-max-ver
  ssl-min-ver tcp-md5sig tcp-ss tcp-ut thread tls-ticket-keys uid user verify accept-netscaler-cip`.split(
    /\s+/,
  ),
);

/** Options that would change who gets in, or what arrives, if they were left out. */
const refusedOptions: Readonly<Record<string, readonly [message: string, remedy: string]>> = {
  "accept-netscaler-cip": [
    "NetScaler's header in front of the connection is not read",
    "Let the NetScaler send the PROXY protocol, and write `accept-proxy`.",
  ],
  interface: ["the port would be open on every interface", "Bind the interface's address."],
  namespace: ["ports are opened in the network of the gateway", "Run Isthmus in that namespace."],
};

/** Options that are only heard. */
const ignoredOptions: Readonly<Record<string, string>> = {
  "ca-ignore-err": "a certificate of a client with such an error is not valid",
  "crt-ignore-err": "a certificate of a client with such an error is not valid",
  "generate-certificates": "no certificates are made for names that clients ask for",
  "strict-sni": "a client that asks for another name is shown the first certificate",
  transparent: "connections to addresses of other machines do not come in",
  "tcp-md5sig": "segments are not signed",
};

function noteIgnored(statement: Statement, options: ReadonlyMap<string, unknown>, notes: Notes): void {
  for (const [name, message] of Object.entries(ignoredOptions)) {
    if (options.has(name))
      notes.add(statement, { code: "statement-ignored", message: `${name}: ${message}` });
  }
}

function readBind(statement: Statement, context: BindContext): Bind[] {
  const { folders, notes } = context;
  const options = readOptions(statement);
  for (const [name, [message, remedy]] of Object.entries(refusedOptions)) {
    if (options.has(name)) unsupported(message, remedy);
  }
  const proto = options.get("proto")?.[0];
  if (proto !== undefined && proto !== "h1" && proto !== "h2")
    unsupported(`the protocol ${JSON.stringify(proto)} is not spoken`);
  const tls = options.has("ssl");
  noteIgnored(statement, options, notes);
  noteTlsVersions(statement, notes);
  const certificates = tls ? readCertificates(statement, options, context) : [];
  return wordAt(statement, 1)
    .split(",")
    .flatMap((text) => readAddress(text, statement))
    .map(({ address, port }) => ({
      statement,
      address,
      port,
      tls,
      proxied: options.has("accept-proxy"),
      maxConnections: options.has("maxconn") ? countOf(options.get("maxconn")![0]!) : undefined,
      certificates,
      validation: tls ? readValidation(statement, options, folders, notes) : undefined,
    }));
}

/** Without `verify`, HAProxy asks clients for no certificate, whatever authorities are named. */
function readValidation(
  statement: Statement,
  options: ReadonlyMap<string, readonly string[]>,
  folders: CertificateFolders,
  notes: Notes,
): ClientValidation | undefined {
  const verify = options.get("verify")?.[0] ?? "none";
  if (verify === "none") return undefined;
  const files = options.get("ca-file") ?? invalid("verify needs a ca-file");
  const trust = {
    // Those of ca-verify-file count, too, but are not named to clients.
    caFiles: [...files, ...(options.get("ca-verify-file") ?? [])].map((file) =>
      certificateFile(folders.ca, file),
    ),
    ...(options.has("crl-file") && {
      crlFiles: options.get("crl-file")!.map((file) => certificateFile(folders.ca, file)),
    }),
  };
  if (verify === "required") return trust;
  const message = "a client with an invalid certificate is let in, as one without any";
  notes.add(statement, { code: "statement-approximated", message, remedy: "Ask for principals in rules." });
  return { mode: "AllowInsecureFallback", ...trust };
}

function readOptions(statement: Statement): Map<string, string[]> {
  const options = new Map<string, string[]>();
  for (const { name, word, argument } of keywordsOf(statement, 2)) {
    if (argumentOptions.has(name)) options.set(name, [...(options.get(name) ?? []), argument()]);
    else if (plainOptions.has(name)) options.set(name, []);
    else {
      invalid(`${JSON.stringify(name)} is no option of bind`, {
        word,
        mistyped: { name, known: [...plainOptions, ...argumentOptions] },
      });
    }
  }
  return options;
}

/** Addresses that are none of a TCP port. */
const refusedAddresses = [
  {
    pattern: /^(?:unix@|abnsz?@|\/)/,
    message: "listeners have a TCP port; a path is one only where a server of this file names it",
    remedy: "Bind a port of 127.0.0.1, and let its clients have that address.",
  },
  {
    pattern: /^(?:fd|sockpair)@/,
    message: "sockets of the process that starts HAProxy are not taken over",
    remedy: "Bind an address and a port.",
  },
  { pattern: /^udp[46]?@/, message: "listeners are TCP only", remedy: "Bind a TCP port." },
  { pattern: quic, message: "listeners are TCP only", remedy: "Write a bind of its own for QUIC." },
  {
    pattern: /^rhttp@/,
    message: "servers do not open the connections to themselves",
    remedy: "Run an agent beside them, and reach them through its tunnel.",
  },
];

/** Widest range of ports. */
const maxPorts = 64;

function readAddress(text: string, statement: Statement): { address: string; port: number }[] {
  const refused = refusedAddresses.find(({ pattern }) => pattern.test(text));
  if (refused) return unsupported(refused.message, refused.remedy, statement.words[1]);
  // With one path, a connection of Multipath TCP is one of TCP.
  const found =
    /^(?:(?:ipv[46]|mptcp[46]?|tcp[46]?|stream\+ipv[46])@)?(.*):([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  const [first, last] = [Number(found?.[2]), Number(found?.[3] ?? found?.[2])];
  if (!found || !(first >= 1 && last <= 65_535 && first <= last)) {
    return invalid(`expected an address and a port such as *:80; found ${JSON.stringify(text)}`, {
      word: statement.words[1],
    });
  }
  if (last - first >= maxPorts)
    return unsupported(`more than ${maxPorts} ports`, "Bind the ports that are used.");
  const written = found[1]!.replace(/^\[(.*)\]$/, "$1");
  // The one name that is the same address on every machine.
  const address = /^(?:\*|0\.0\.0\.0|::)?$/.test(written)
    ? ""
    : parseAddress(written === "localhost" ? "127.0.0.1" : written)?.canonical;
  if (address === undefined || (address !== "" && parseAddress(address)?.kind !== "ip")) {
    return unsupported(
      `${JSON.stringify(written)} is not an IP address`,
      "Write the address.",
      statement.words[1],
    );
  }
  return Array.from({ length: last - first + 1 }, (_, index) => ({ address, port: first + index }));
}
