// Map converters (`path,map_beg(file,default)`): which requests get which value of the file.
import type { MapEntry, NamedFiles } from "../named-files.ts";
import { unsupported } from "../statement-problem.ts";
import { always, and, never, not, or, type Condition, type Operator } from "./condition.ts";
import type { Fetch, MapFetch } from "./fetch.ts";
import { convertKnown } from "./known-text.ts";

export interface MapCase {
  readonly condition: Condition;
  readonly value: string;
}

/** What the key of a map is compared with becomes a condition. */
export type KeyCondition = (key: Exclude<Fetch, MapFetch>, values: readonly string[]) => Condition;

/** More than this many values that take turns in the file's order cannot be compared with. */
const maxTurns = 64;

/**
 * In the order in which HAProxy tries them: the first one whose condition holds gives the value. The fallback, if there
 * is one, comes last. Throws `StatementProblem`.
 */
export function mapCases(fetch: MapFetch, files: NamedFiles, conditionOf: KeyCondition): MapCase[] {
  const { key, operator } = fetch;
  const compared = key.kind === "text" || key.kind === "computed" ? { ...key, operator } : key;
  const cases = groupsOf(fetch, files.entries(fetch.file)).map(({ value, keys }) => ({
    condition: conditionOf(compared, keys),
    value: converted(fetch, value),
  }));
  if (fetch.fallback !== undefined)
    cases.push({ condition: always, value: converted(fetch, fetch.fallback) });
  return cases;
}

/** A test of the value that was found; `passes` says what comes of a value. */
export function mapCondition(
  fetch: MapFetch,
  files: NamedFiles,
  conditionOf: KeyCondition,
  passes: (value: string) => boolean,
): Condition {
  const cases = mapCases(fetch, files, conditionOf);
  const outcomes = cases.map(({ value }) => passes(value));
  const passing = cases.flatMap(({ condition }, index) => (outcomes[index] ? [condition] : []));
  if (passing.length === cases.length || (isExclusive(fetch) && fetch.fallback === undefined)) {
    return or(passing);
  }
  if (cases.length > maxTurns) {
    unsupported(`the map has more than ${maxTurns} values whose order decides`, "Shorten the file.");
  }
  return cases.reduceRight<Condition>(
    (rest, { condition }, index) => (outcomes[index] ? or([condition, rest]) : and([not(condition), rest])),
    never,
  );
}

/** Whether no request has two of the keys. */
function isExclusive({ key, operator }: MapFetch): boolean {
  return operator === "exact" && key.kind !== "network";
}

interface Group {
  readonly value: string;
  readonly keys: string[];
}

/** Keys with one value together, as far as their order is of no account. */
function groupsOf(fetch: MapFetch, entries: readonly MapEntry[]): Group[] {
  const groups: Group[] = [];
  const byValue = new Map<string, Group>();
  for (const { key, value } of inOrder(fetch.operator, fetch.key.kind, entries)) {
    const group = isExclusive(fetch) ? byValue.get(value) : groups.at(-1);
    if (group?.value === value) {
      group.keys.push(key);
      continue;
    }
    const opened = { value, keys: [key] };
    groups.push(opened);
    byValue.set(value, opened);
  }
  return groups;
}

/** Of several entries with one key the first counts; of beginnings and networks the longest does. */
function inOrder(operator: Operator, kind: string, entries: readonly MapEntry[]): MapEntry[] {
  const first = new Map(entries.toReversed().map((entry) => [entry.key, entry]));
  const distinct = entries.filter((entry) => first.get(entry.key) === entry);
  if (kind === "network") return distinct.sort((a, b) => prefixLength(b.key) - prefixLength(a.key));
  return operator === "prefix" ? distinct.sort((a, b) => b.key.length - a.key.length) : distinct;
}

function prefixLength(network: string): number {
  const length = /\/([0-9]+)$/.exec(network)?.[1];
  return length === undefined ? 128 : Number(length);
}

function converted({ converters }: MapFetch, value: string): string {
  return converters.reduce(
    (text, converter) =>
      convertKnown(text, converter) ??
      unsupported(`the converter ${JSON.stringify(converter.name)} is not available here`),
    value,
  );
}
