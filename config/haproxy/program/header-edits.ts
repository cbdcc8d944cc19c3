// Header actions in a row, folded into what they come to: filters know sets, additions and removals, but no order.
import type { HeaderFrom, HeaderModifier, ReplacedHeader } from "#contract/header-modifier.ts";
import { isOfResponse, responseHeadersIn } from "../condition/response-parts.ts";
import { unsupported } from "../statement-problem.ts";

interface Edit {
  readonly name: string;
  /** Whether what the message brings is dropped. */
  readonly drops: boolean;
  readonly values: readonly Value[];
  /** What the message brings is rewritten so, one after the other. */
  readonly replacements: readonly Replacement[];
}

export type Replacement = Omit<ReplacedHeader, "name">;

/** A text, or what of the request it is made from. */
type Value = string | RequestValue;

export type RequestValue = Omit<HeaderFrom, "name">;

/** By lower-case name. Never changed in place. */
export type HeaderEdits = ReadonlyMap<string, Edit>;

export const noEdits: HeaderEdits = new Map();

export function setHeader(edits: HeaderEdits, name: string, value: Value): HeaderEdits {
  return withEdit(edits, { name, drops: true, values: [value], replacements: [] });
}

export function addHeader(edits: HeaderEdits, name: string, value: Value): HeaderEdits {
  const before = edits.get(name.toLowerCase());
  const values = [...(before?.values ?? []), value];
  const { drops = false, replacements = [] } = before ?? {};
  return withEdit(edits, { name, drops, values, replacements });
}

export function deleteHeader(edits: HeaderEdits, name: string): HeaderEdits {
  return withEdit(edits, { name, drops: true, values: [], replacements: [] });
}

/** Whether a replacement can still be put in front of what is done to the header. */
export function isReplaceable(edits: HeaderEdits, name: string): boolean {
  const before = edits.get(name.toLowerCase());
  return !before || (!before.drops && before.values.length === 0);
}

/** Only where `isReplaceable`. */
export function replaceInHeader(edits: HeaderEdits, name: string, replacement: Replacement): HeaderEdits {
  const before = edits.get(name.toLowerCase())?.replacements ?? [];
  return withEdit(edits, { name, drops: false, values: [], replacements: [...before, replacement] });
}

function withEdit(edits: HeaderEdits, edit: Edit): HeaderEdits {
  return new Map(edits).set(edit.name.toLowerCase(), edit);
}

/** Names of the headers of the response that the values are made of. */
export function valuesRead(edits: HeaderEdits): string[] {
  return [...edits.values()].flatMap(({ values }) =>
    values.flatMap((value) => (typeof value === "string" ? [] : responseHeadersIn(value.parts ?? []))),
  );
}

/** `undefined`: nothing to do. */
export function toModifier(edits: HeaderEdits): Partial<HeaderModifier> | undefined {
  const set: HeaderModifier["set"] = [];
  const add: HeaderModifier["add"] = [];
  const remove: string[] = [];
  const setFrom: HeaderFrom[] = [];
  const addFrom: HeaderFrom[] = [];
  const replace: ReplacedHeader[] = [];
  for (const { name, drops, values, replacements } of edits.values()) {
    for (const replacement of replacements) replace.push({ name, ...replacement });
    if (drops && values.length === 0) remove.push(name);
    for (const [index, value] of values.entries()) {
      const isSet = drops && index === 0;
      if (typeof value === "string") (isSet ? set : add).push({ name, value });
      else (isSet ? setFrom : addFrom).push({ name, ...value });
    }
  }
  if (edits.size === 0) return undefined;
  return {
    ...(replace.length > 0 && { replace }),
    ...(set.length > 0 && { set }),
    ...(setFrom.length > 0 && { setFrom }),
    ...(add.length > 0 && { add }),
    ...(addFrom.length > 0 && { addFrom }),
    ...(remove.length > 0 && { remove }),
  };
}

interface WordedHeaders {
  readonly header?:
    { set?: HeaderModifier["set"] | undefined; add?: HeaderModifier["add"] | undefined } | undefined;
  readonly headersFrom?: HeaderFrom[] | undefined;
}

/** A response in words with its headers changed. */
export function withHeaders<T extends WordedHeaders>(response: T, edits: HeaderEdits): T {
  const modifier = toModifier(edits);
  if (!modifier) return response;
  const { set = [], add = [], setFrom = [], addFrom = [], remove = [] } = modifier;
  if ([...setFrom, ...addFrom].some(({ parts = [] }) => isOfResponse(parts))) {
    unsupported(
      "a header is made of the response, which another rule replaces",
      "Leave the replaced responses out of the rule's condition.",
    );
  }
  const replaced = new Set([...set, ...setFrom].map(({ name }) => name.toLowerCase()));
  for (const name of remove) replaced.add(name.toLowerCase());
  const kept = <H extends { readonly name: string }>(headers: readonly H[] = []): H[] =>
    headers.filter(({ name }) => !replaced.has(name.toLowerCase()));
  const header = {
    set: [...kept(response.header?.set), ...set],
    add: [...kept(response.header?.add), ...add],
  };
  const headersFrom = [...kept(response.headersFrom), ...setFrom, ...addFrom];
  const { header: _header, headersFrom: _headersFrom, ...rest } = response;
  return {
    ...rest,
    ...(header.set.length + header.add.length > 0 && { header }),
    ...(headersFrom.length > 0 && { headersFrom }),
  } as T;
}
