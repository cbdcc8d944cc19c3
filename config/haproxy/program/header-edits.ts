// Header actions in a row, folded into what they come to: filters know sets, additions and removals, but no order.
import type { RequestFact } from "#contract/http-field.ts";
import type { HeaderModifier } from "#contract/http-route.ts";

interface Edit {
  readonly name: string;
  /** Whether what the message brings is dropped. */
  readonly drops: boolean;
  readonly values: readonly string[];
  /** In place of values. */
  readonly from?: RequestFact;
}

/** By lower-case name. Never changed in place. */
export type HeaderEdits = ReadonlyMap<string, Edit>;

export const noEdits: HeaderEdits = new Map();

export function setHeader(edits: HeaderEdits, name: string, value: string): HeaderEdits {
  return withEdit(edits, { name, drops: true, values: [value] });
}

export function setHeaderFrom(edits: HeaderEdits, name: string, from: RequestFact): HeaderEdits {
  return withEdit(edits, { name, drops: true, values: [], from });
}

export function addHeader(edits: HeaderEdits, name: string, value: string): HeaderEdits {
  const before = edits.get(name.toLowerCase());
  const from = before?.from && { from: before.from };
  const values = [...(before?.values ?? []), value];
  return withEdit(edits, { name, drops: before?.drops ?? false, values, ...from });
}

export function deleteHeader(edits: HeaderEdits, name: string): HeaderEdits {
  return withEdit(edits, { name, drops: true, values: [] });
}

function withEdit(edits: HeaderEdits, edit: Edit): HeaderEdits {
  return new Map(edits).set(edit.name.toLowerCase(), edit);
}

/** `undefined`: nothing to do. */
export function toModifier(edits: HeaderEdits): Partial<HeaderModifier> | undefined {
  const set: HeaderModifier["set"] = [];
  const add: HeaderModifier["add"] = [];
  const remove: string[] = [];
  const setFrom: NonNullable<HeaderModifier["setFrom"]> = [];
  for (const { name, drops, values, from } of edits.values()) {
    if (from) setFrom.push({ name, from });
    else if (drops && values.length === 0) remove.push(name);
    for (const [index, value] of values.entries()) (drops && index === 0 ? set : add).push({ name, value });
  }
  if (edits.size === 0) return undefined;
  return {
    ...(set.length > 0 && { set }),
    ...(setFrom.length > 0 && { setFrom }),
    ...(add.length > 0 && { add }),
    ...(remove.length > 0 && { remove }),
  };
}
