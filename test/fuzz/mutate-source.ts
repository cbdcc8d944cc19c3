// Configurations that are nearly those of the corpus: some values, lines and characters are others. From a seed.
import { parseAllDocuments, stringify } from "yaml";
import type { SourceFile } from "#contract/admin.ts";
import type { CorpusCase } from "../corpus/read-cases.ts";
import { randomFrom, type Random } from "./random.ts";

export interface Mutator {
  mutate(seed: number): { readonly name: string; readonly files: readonly SourceFile[] };
}

const pieces = [
  ..."\n \t:-{}[]&*'\"|>#%!,\\$()?~",
  "---\n",
  "- ",
  ": ",
  "&a ",
  "*a",
  "<<: ",
  "null",
  "\u0000",
  "\uFEFF",
  "\r\n",
  "\u{1F600}",
  "__proto__",
];
const junk: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e9,
  1.5,
  "",
  "*",
  "/",
  "a",
  "$1",
  "(",
  "(a+)+$",
  "0s",
  "99999999h",
  "__proto__",
  "constructor",
  "x".repeat(300),
  [],
  {},
  [null],
  { constructor: 1 },
];

export function createMutator(format: string, cases: readonly CorpusCase[]): Mutator {
  const isText = format === "haproxy";
  const material = isText ? { lines: linesOf(cases) } : { values: valuesOf(cases) };
  return {
    mutate(seed) {
      const random = randomFrom(seed);
      const { name, files } = random.one(cases);
      const at = random.below(files.length);
      const mutated = files.map((file, index) => {
        if (index !== at) return file;
        const meant = material.lines
          ? mutateLines(file.content, material.lines, random)
          : mutateDocuments(file.content, material.values, random);
        // Most mutations of characters are only errors of syntax.
        return { ...file, content: random.below(8) === 0 ? mutateText(meant, random) : meant };
      });
      return { name, files: mutated };
    },
  };
}

function linesOf(cases: readonly CorpusCase[]): readonly string[] {
  return cases.flatMap(({ files }) => files.flatMap(({ content }) => content.split("\n")));
}

function mutateLines(content: string, others: readonly string[], random: Random): string {
  const lines = content.split("\n");
  for (let times = random.below(5); times >= 0; times -= 1) {
    const at = random.below(lines.length);
    const kind = random.below(6);
    if (kind === 0) lines.splice(at, 1);
    else if (kind === 1) lines.splice(at, 0, lines[random.below(lines.length)] ?? "");
    else if (kind === 2) lines.splice(at, 0, random.one(others));
    else lines[at] = mutateWords(lines[at] ?? "", random.one(others), random);
  }
  return lines.join("\n");
}

function mutateWords(line: string, other: string, random: Random): string {
  const words = line.split(" ");
  const at = random.below(words.length);
  const kind = random.below(4);
  if (kind === 0) words.splice(at, 1);
  else if (kind === 1) words.splice(at, 0, random.one(other.split(" ")));
  else if (kind === 2) words[at] = String(random.one(junk));
  else words.splice(at, words.length, ...other.split(" ").slice(at));
  return words.join(" ");
}

type Values = ReadonlyMap<string, readonly unknown[]>;

function documentsOf(content: string): unknown[] {
  return parseAllDocuments(content, { maxAliasCount: 100 } as never).map((document) =>
    document.errors.length > 0 ? null : (document.toJS({ maxAliasCount: 100 }) as unknown),
  );
}

/** By key, whatever stands there in some case. */
function valuesOf(cases: readonly CorpusCase[]): Values {
  const values = new Map<string, unknown[]>();
  const collect = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (!Array.isArray(value)) {
        const list = values.get(key);
        if (list) list.push(child);
        else values.set(key, [child]);
      }
      collect(child);
    }
  };
  for (const { files } of cases) for (const { content } of files) documentsOf(content).forEach(collect);
  return values;
}

function mutateDocuments(content: string, values: Values, random: Random): string {
  const documents = documentsOf(content);
  for (let times = random.below(4); times >= 0; times -= 1) {
    const kind = random.below(8);
    if (kind === 0) documents.splice(random.below(documents.length), 1);
    else if (kind === 1) documents.push(structuredClone(random.one(documents)));
    else mutateWithin({ documents }, values, random);
  }
  return documents.map((document) => asText(document, random)).join("---\n");
}

function asText(document: unknown, random: Random): string {
  return random.below(4) === 0 ? `${JSON.stringify(document)}\n` : stringify(document, { version: "1.1" });
}

/** Changes one value somewhere below. */
function mutateWithin(root: object, values: Values, random: Random): void {
  let holder = root as Record<string, unknown>;
  let key = "documents";
  for (;;) {
    const child = holder[key];
    const keys = typeof child === "object" && child !== null ? Object.keys(child) : [];
    const isDeepEnough = holder !== root && random.below(5) === 0;
    if (keys.length === 0 || isDeepEnough) break;
    holder = child as Record<string, unknown>;
    key = random.one(keys);
  }
  const kind = random.below(6);
  const name = Array.isArray(holder) ? random.one([...values.keys()]) : key;
  if (kind === 0) delete holder[key];
  else if (kind === 1) holder[key] = structuredClone(random.one(junk));
  else if (kind === 2) holder[random.one([...values.keys()])] = holder[key];
  else if (kind === 3) holder[key] = [holder[key], structuredClone(holder[key])];
  else holder[key] = structuredClone(random.one(values.get(name) ?? junk));
}

function mutateText(content: string, random: Random): string {
  const at = random.below(content.length + 1);
  const dropped = random.below(3) === 0 ? random.below(content.length + 1) : random.below(4);
  return content.slice(0, at) + random.one(pieces) + content.slice(at + dropped);
}
