// For tests only: a strict reader of the Prometheus text format, which throws for what a scraper would refuse.
import { parseCounterName } from "./counter-name.ts";

export interface ReadFamily {
  readonly type: string;
  readonly help: string;
  /** By suffix, name and labels as written. */
  readonly samples: Map<string, number>;
}

export function readPrometheus(text: string): Map<string, ReadFamily> {
  if (!text.endsWith("\n")) throw new Error("the last line does not end");
  const families = new Map<string, ReadFamily>();
  let current: { name: string; family: ReadFamily } | undefined;
  let help: { name: string; text: string } | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment) {
      const [, kind, name, rest] = comment as unknown as [string, string, string, string];
      if (families.has(name)) throw new Error(`${name} comes twice`);
      if (kind === "HELP") {
        help = { name, text: rest };
        continue;
      }
      if (help?.name !== name) throw new Error(`TYPE of ${name} without HELP`);
      if (!["counter", "gauge", "histogram"].includes(rest)) throw new Error(`type ${rest}`);
      const family = { type: rest, help: help.text, samples: new Map<string, number>() };
      families.set(name, family);
      current = { name, family };
      continue;
    }
    if (!current) throw new Error(`a sample before any TYPE: ${line}`);
    readSample(line, current.name, current.family);
  }
  for (const [name, family] of families) if (family.type === "histogram") checkHistogram(name, family);
  return families;
}

function readSample(line: string, name: string, family: ReadFamily): void {
  const space = line.lastIndexOf(" ");
  const key = line.slice(0, space);
  const value = Number(line.slice(space + 1));
  const parsed = parseCounterName(key);
  if (!parsed || Number.isNaN(value)) throw new Error(`not a sample: ${line}`);
  const suffix = parsed.name.slice(name.length);
  const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
  if (!parsed.name.startsWith(name) || !suffixes.includes(suffix))
    throw new Error(`${line} is not of ${name}`);
  if (family.samples.has(key)) throw new Error(`${key} comes twice`);
  family.samples.set(key, value);
}

function checkHistogram(name: string, { samples }: ReadFamily): void {
  const last = new Map<string, number>();
  for (const [key, value] of samples) {
    const parsed = parseCounterName(key)!;
    const { le, ...labels } = parsed.labels;
    const series = JSON.stringify(labels);
    if (parsed.name === `${name}_bucket`) {
      if (value < (last.get(series) ?? 0)) throw new Error(`${key} is below the bucket before`);
      last.set(series, value);
      if (le === undefined) throw new Error(`${key} has no le`);
    }
    if (parsed.name === `${name}_count` && value !== last.get(series)) throw new Error(`${key} is not +Inf`);
  }
}
