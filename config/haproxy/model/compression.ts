// `compression` of a frontend and of a backend → compression of the rules between them.
import type { CompressorType } from "#contract/compression.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import type { RuleInput } from "./rule-policies.ts";

type Compression = NonNullable<RuleInput["compression"]>;

/** What one proxy says; a backend's word counts for more, setting by setting. */
export interface CompressionSettings {
  readonly types?: readonly CompressorType[];
  readonly contentTypes?: readonly string[];
  readonly minContentLength?: number;
  readonly offload?: true;
}

const algorithms: ReadonlyMap<string, CompressorType | undefined> = new Map([
  ["gzip", "Gzip"],
  ["deflate", "Deflate"],
  ["raw-deflate", "RawDeflate"],
  // Bodies stay as they are.
  ["identity", undefined],
]);

export function readCompression(proxy: Proxy, notes: Notes): CompressionSettings {
  const direction = settingOf(proxy, "compression", "direction");
  if (direction && wordAt(direction, 2) === "request") return {};
  const types = allOf(proxy, ["algo", "algo-res"], (statement) => readAlgorithms(statement), notes);
  const contentTypes = allOf(proxy, ["type", "type-res"], (statement) => readTypes(statement), notes);
  const least = settingOf(proxy, "compression", "minsize-res");
  const minContentLength = least && attempt(least, notes, () => readSize(least));
  return {
    ...(types && { types: types.filter((type) => type !== undefined) }),
    ...(contentTypes && { contentTypes }),
    ...(minContentLength !== undefined && { minContentLength }),
    ...(settingOf(proxy, "compression", "offload") && { offload: true }),
  };
}

/** `undefined`: nothing is compressed. */
export function joinCompression(
  frontend: CompressionSettings,
  backend: CompressionSettings,
): Compression | undefined {
  const types = backend.types ?? frontend.types ?? [];
  if (types.length === 0) return undefined;
  const contentTypes = backend.contentTypes ?? frontend.contentTypes ?? ["*/*"];
  return {
    // Of codings that a client likes as much HAProxy takes the one that it names first, which is gzip.
    compressors: types
      .toSorted((a, b) => Number(b === "Gzip") - Number(a === "Gzip"))
      .map((type) => ({ type })),
    contentTypes: [...contentTypes],
    minContentLength: backend.minContentLength ?? frontend.minContentLength ?? 0,
    ...((backend.offload || frontend.offload) && { removeAcceptEncodingHeader: true }),
  };
}

/** Each such statement adds to those before it; `undefined`: there is none. */
function allOf<T>(
  proxy: Proxy,
  names: readonly string[],
  read: (statement: Statement) => readonly T[],
  notes: Notes,
): T[] | undefined {
  const statements = statementsOf(proxy, "compression").filter((statement) =>
    names.includes(wordAt(statement, 1)),
  );
  if (statements.length === 0) return undefined;
  return [
    ...new Set(statements.flatMap((statement) => attempt(statement, notes, () => read(statement)) ?? [])),
  ];
}

function readAlgorithms(statement: Statement): readonly (CompressorType | undefined)[] {
  const names = wordsFrom(statement, 2);
  const unknown = names.length === 0 ? "" : names.find((name) => !algorithms.has(name));
  if (unknown === undefined) return names.map((name) => algorithms.get(name));
  return invalid(`expected ${[...algorithms.keys()].join(", ")}; found ${JSON.stringify(unknown)}`);
}

function readTypes(statement: Statement): readonly string[] {
  const names = wordsFrom(statement, 2);
  if (names.length === 0) return invalid("expected media types, such as text/html");
  return names.map(mediaType);
}

/** HAProxy compares beginnings: `text/` is every text. */
function mediaType(text: string): string {
  const type = text.toLowerCase();
  if (type.endsWith("/")) return `${type}*`;
  return type.includes("/") ? type : `${type}/*`;
}

function readSize(statement: Statement): number {
  const [, digits, unit = ""] = /^([0-9]{1,9})([kmg]?)$/i.exec(wordAt(statement, 2)) ?? [];
  const bytes = Number(digits) * { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()]!;
  return bytes <= 1_000_000_000 ? bytes : invalid("expected a size of at most 1g, such as 1k");
}
