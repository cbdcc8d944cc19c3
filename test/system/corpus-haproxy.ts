// Real HAProxy with a configuration of the corpus: ports, servers and certificates are those of this machine, all else
// is as the file says.
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHaproxy } from "./haproxy.ts";
import { freePorts } from "./process.ts";

export interface RunningHaproxy {
  /** Port of this machine for a port of the file. */
  readonly ports: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

export interface HaproxyOptions {
  /** The port of the server that stands for one of a backend. */
  readonly portOf: (backend: string, server: string) => number;
  /** Key and certificate for every `crt`. */
  readonly pem: string;
  /** Files that the configuration names. */
  readonly named?: readonly { readonly name: string; readonly content: string }[];
}

/** Rejects with HAProxy's own words when it does not take the file. */
export async function startCorpusHaproxy(
  text: string,
  { portOf, pem, named = [] }: HaproxyOptions,
): Promise<RunningHaproxy> {
  const directory = await mkdtemp(join(tmpdir(), "isthmus-haproxy-"));
  const pemFile = join(directory, "site.pem");
  await writeFile(pemFile, pem);
  for (const { name, content } of named) await writeFile(join(directory, name), content);
  // Those for QUIC stand in blocks that HAProxy without it leaves out.
  const declared = [...text.matchAll(/^\s*bind\s+"?(?!quic)([^\s"]+)/gm)].flatMap(([, addresses]) =>
    addresses!.split(",").flatMap(portsOf),
  );
  const free = await freePorts(declared.length);
  const ports = new Map(declared.map((port, index) => [port, free[index]!]));
  const here = named.reduce((all, { name }) => all.replaceAll(name, join(directory, name)), text);
  const removed = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const haproxy = await startHaproxy(localText(here, ports, portOf, pemFile), ports.values());
    return { ports, stop: () => haproxy.stop().finally(removed) };
  } catch (error) {
    await removed();
    throw error;
  }
}

/** Statements about the machine: where the process runs, what it may, where it writes. */
const globalStatement =
  /^\s*(?:chroot|user|group|uid|gid|daemon|pidfile|stats\s|maxconn|ca-base|crt-base|nbthread)\b/;
const machineStatement = /^\s*log\s/;

function localText(
  text: string,
  ports: ReadonlyMap<number, number>,
  portOf: HaproxyOptions["portOf"],
  pemFile: string,
): string {
  let section = "";
  let isGlobal = false;
  return text
    .split("\n")
    .map((line) => {
      const opened = /^\s*(frontend|backend|listen|defaults|global|userlist)\b\s*(\S*)/.exec(line);
      if (opened) [isGlobal, section] = [opened[1] === "global", opened[2]!];
      if (isGlobal && globalStatement.test(line)) return "";
      if (machineStatement.test(line) || isMissingPage(line)) return "";
      return line
        .replace(/^(\s*bind\s+)"?(?!quic)([^\s"]+)"?/, (_, start: string, addresses: string) => {
          const local = addresses.split(",").flatMap(portsOf);
          return start + local.map((port) => `127.0.0.1:${ports.get(port)}`).join(",");
        })
        .replace(/\bdst_port((?: eq)?(?: [0-9]+)+)/g, (_, values: string) => {
          const local = values.replace(/[0-9]+/g, (port) => String(ports.get(Number(port)) ?? port));
          return `dst_port${local}`;
        })
        .replace(/\bcrt\s+\S+/g, `crt ${pemFile}`)
        .replace(
          /^(\s*server\s+(\S+)\s+)(\S+)(.*)$/,
          (_, start: string, server: string, _address, options: string) => {
            // Servers of tests are always up and speak plain HTTP.
            const kept = options.replace(
              /\s(?:check|ssl|(?:verify|sni|inter|port|ca-file|crt|verifyhost|alpn|proto)\s+\S+)(?=\s|$)/g,
              "",
            );
            return `${start}127.0.0.1:${portOf(section, server)}${kept}`;
          },
        );
    })
    .join("\n");
}

/** A page of the machine that the file is from. */
function isMissingPage(line: string): boolean {
  const file = /^\s*errorfile\s+\S+\s+(\S+)/.exec(line)?.[1];
  return file !== undefined && !existsSync(file);
}

/** Ports of an address of `bind`, ranges included. */
function portsOf(address: string): number[] {
  const [first, last] = address
    .slice(address.lastIndexOf(":") + 1)
    .split("-")
    .map(Number);
  return Array.from({ length: (last ?? first!) - first! + 1 }, (_, index) => first! + index);
}
