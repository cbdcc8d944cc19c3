// Unix sockets that chain sections of one file (`server next unix@/run/next.sock` to `bind unix@/run/next.sock`): the gateway listens
// on ports, so each becomes one of this machine's own address. A path that programs outside of the file have stays a path.
import { checksum } from "#contract/text/checksum.ts";
import type { Notes } from "./notes.ts";
import { wordAt, type Section, type Statement } from "./statement.ts";

/** Above the ports that Linux gives to outgoing connections (32768 to 60999), and few services are there. */
const firstPort = 61_000;
const portCount = 4_000;

const encoder = new TextEncoder();

export function withLocalSockets(sections: readonly Section[], notes: Notes): readonly Section[] {
  const all = sections.flatMap(({ statements }) => statements);
  const named = new Set(all.flatMap((statement) => socketOf(serverAddress(statement)) ?? []));
  const bound = all
    .filter(isBind)
    .flatMap((statement) => addressesOf(statement).flatMap((text) => socketOf(text) ?? []));
  const chained = bound.filter((socket) => named.has(socket));
  if (chained.length === 0) return sections;
  const places = placesOf(chained, all);
  const placed = (statement: Statement): Statement => {
    const isBound = isBind(statement);
    const index = isBound ? 1 : 2;
    const text = isBound
      ? addressesOf(statement)
          .map((address) => places.get(socketOf(address) ?? "") ?? address)
          .join(",")
      : places.get(socketOf(serverAddress(statement)) ?? "");
    if (text === undefined || text === wordAt(statement, index)) return statement;
    if (isBound) noteSocket(statement, text, notes);
    return { ...statement, words: statement.words.with(index, { ...statement.words[index]!, text }) };
  };
  return sections.map((section) => ({ ...section, statements: section.statements.map(placed) }));
}

const isBind = (statement: Statement): boolean => wordAt(statement, 0) === "bind" && !statement.prefix;

const addressesOf = (statement: Statement): string[] => wordAt(statement, 1).split(",");

function serverAddress(statement: Statement): string {
  return wordAt(statement, 0) === "server" ? wordAt(statement, 2) : "";
}

/** The same for `unix@/run/a` and `/run/a`; `undefined`: it is none. */
function socketOf(address: string): string | undefined {
  const found = /^(?:unix@)?(\/.+)$|^unix@(.+)$|^(abnsz?@.+)$/s.exec(address);
  return found?.slice(1).find((part) => part !== undefined);
}

/** The same ones for the same file, so that a reload changes none, and none that the file has for something else. */
function placesOf(sockets: readonly string[], statements: readonly Statement[]): Map<string, string> {
  const taken = new Set(
    statements.flatMap(({ words }) => words.flatMap(({ text }) => text.match(/\d{5}/g) ?? [])).map(Number),
  );
  const places = new Map<string, string>();
  for (const socket of new Set(sockets)) {
    let port = firstPort + (Number(checksum("CRC32", encoder.encode(socket), 0)) % portCount);
    while (taken.has(port)) port = firstPort + ((port + 1 - firstPort) % portCount);
    taken.add(port);
    places.set(socket, `127.0.0.1:${port}`);
  }
  return places;
}

function noteSocket(statement: Statement, place: string, notes: Notes): void {
  notes.add(statement, {
    code: "statement-approximated",
    message: `the socket is at ${place} here, where every program of the machine can reach it`,
    remedy:
      "Bind an address and a port, and let the servers that name the path have them, to choose another.",
    word: statement.words[1],
  });
}
