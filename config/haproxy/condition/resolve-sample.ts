// Sample expressions as texts that the gateway puts together, with what earlier rules have made of the request in them.
import type { RequestText } from "#contract/request-text.ts";
import { responseStatusKey, subjectKey, type Change, type Standpoint } from "./changes.ts";
import { convert, type SampleKind } from "./converters.ts";
import { counterIn, type CounterRead } from "./counter-read.ts";
import { knownFetch, ofMessage, subjectOf, withKnownVariable } from "./known-sample.ts";
import { kindOfFetch, lastElement, partsOfFetch } from "./request-parts.ts";
import { responseParts } from "./response-parts.ts";
import { parseSample, type Call, type Sample } from "./sample.ts";
import { asOnePart, emptyIfMissing, transformed } from "./text-parts.ts";

export interface ResolvedSample {
  /** None: there is nothing for any request. */
  readonly parts: RequestText;
  readonly kind: SampleKind;
}

const nothing: ResolvedSample = { parts: [], kind: "text" };

/** `undefined`: it cannot be had here, or not any more. */
export function resolveSample(sample: Sample, at: Standpoint): ResolvedSample | undefined {
  const counter = counterIn(sample);
  let resolved = counter ? resolveCounter(counter.read, at) : resolveFetch(sample.fetch, at);
  for (const converter of counter?.rest ?? sample.converters) {
    if (!resolved || resolved.parts.length === 0) return resolved;
    resolved =
      converter.name === "concat"
        ? joined(resolved, withKnownVariable(converter, at), at)
        : converted(resolved, converter);
  }
  return resolved;
}

function resolveCounter(read: CounterRead, at: Standpoint): ResolvedSample | undefined {
  const parts = at.draft.counted?.textOf(read, at);
  return parts && { parts, kind: "number" };
}

function resolveFetch(fetch: Call, at: Standpoint): ResolvedSample | undefined {
  if (fetch.name === "var") return resolveVariable(fetch.args[0] ?? "", at);
  // Of the Host, the port that a client sends is not known.
  const known = subjectOf(fetch.name, fetch.args)?.type === "host" ? undefined : knownFetch(fetch, at);
  if (known !== undefined) return { parts: [{ text: known }], kind: kindOfFetch(fetch) };
  const isOfResponse = at.message === "response" && ofMessage.test(fetch.name);
  if (isOfResponse && fetch.name === "status" && at.draft.changes.has(responseStatusKey)) {
    const parts = partsOfChange(at.draft.changes.get(responseStatusKey));
    return parts && { parts, kind: "number" };
  }
  const parts = isOfResponse
    ? responseParts(fetch)
    : (changedParts(fetch, at) ?? partsOfFetch(fetch, at.draft.changes));
  return parts && { parts, kind: kindOfFetch(fetch) };
}

/** None: it is not set. `undefined`: it cannot be had here. */
export function partsOfVariable(name: string, at: Standpoint): RequestText | undefined {
  return resolveVariable(name, at)?.parts;
}

function resolveVariable(name: string, at: Standpoint): ResolvedSample | undefined {
  const { changes, sources } = at.draft;
  const source = sources.get(name);
  if (source !== undefined) {
    const sample = parseSample(source);
    const draft = { ...at.draft, changes: new Map(), sources: new Map() };
    return sample && resolveSample(sample, { surroundings: at.surroundings, draft });
  }
  const key = subjectKey({ type: "variable", name });
  const change = changes.has(key) ? changes.get(key) : null;
  if (change === null) return nothing;
  const parts = partsOfChange(change);
  return parts && { parts, kind: "text" };
}

/** What earlier rules have made of a part of the request. */
function changedParts({ name, args }: Call, { draft: { changes } }: Standpoint): RequestText | undefined {
  const subject = subjectOf(name, args);
  const change = changes.get(ofTarget.get(name) ?? (subject ? subjectKey(subject) : ""));
  const parts = partsOfChange(change);
  const isList = /^(?:req\.|req_)?hdr$/.test(name) && args.length === 1 && subject?.type === "header";
  return parts && isList ? transformed(parts, [lastElement]) : parts;
}

const ofTarget: ReadonlyMap<string, string> = new Map([
  ["query", "query"],
  ["url", "target"],
  ["pathq", "target"],
]);

export function partsOfChange(change: Change): RequestText | undefined {
  if (typeof change === "string") return [{ text: change }];
  if (!change) return undefined;
  return change.missingIsEmpty ? change.parts.map(emptyIfMissing) : change.parts;
}

/** `concat(<start>,<variable>,<end>)`: of a variable that is not set there is nothing. */
function joined(resolved: ResolvedSample, converter: Call, at: Standpoint): ResolvedSample | undefined {
  const [start = "", variable = "", end = ""] = converter.args;
  if (variable === "") return converted(resolved, converter);
  const other = resolveVariable(variable, at);
  const otherParts = other && asOnePart(other.parts);
  if (!otherParts || other.kind === "binary") return undefined;
  const words = (text: string): RequestText => (text === "" ? [] : [{ text }]);
  return {
    parts: [...resolved.parts, ...words(start), ...otherParts.map(emptyIfMissing), ...words(end)],
    kind: "text",
  };
}

function converted({ parts, kind }: ResolvedSample, converter: Call): ResolvedSample | undefined {
  const conversion = convert([converter], kind);
  const made = conversion && transformed(parts, conversion.transforms);
  return made && { parts: made, kind: conversion.kind };
}
