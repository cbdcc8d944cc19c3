// The annotations of one Ingress by their names without prefix.
import { fieldOf, type Notes } from "../../kubernetes/notes.ts";
import type { ObjectField } from "../../kubernetes/object.ts";
import type { Ingress } from "../kinds.ts";
import { readValues, type Values } from "../values.ts";

export const annotationPrefix = "nginx.ingress.kubernetes.io/";

export type Annotations = Values;

/** What holds where the annotation is not there. */
export interface Preset {
  readonly text: string;
  readonly field: ObjectField;
}

export function readAnnotations(
  { annotations, object }: Ingress,
  notes: Notes,
  presets: ReadonlyMap<string, Preset> = new Map(),
): Annotations {
  const ownText = (name: string): string | undefined =>
    annotations[annotationPrefix + name]?.trim() || undefined;
  const own = (name: string): ObjectField =>
    fieldOf(object, "metadata", "annotations", annotationPrefix + name);
  const field = (name: string): ObjectField =>
    (ownText(name) === undefined && presets.get(name)?.field) || own(name);
  // What an Ingress makes of a preset is no fault of the ConfigMap, which holds for all others, too.
  return readValues((name) => ownText(name) ?? presets.get(name)?.text, field, notes, own);
}
