// What is said of a field of a policy.
import type { Notes } from "../kubernetes/notes.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Path } from "../report.ts";

/** An object's field, and the notes to add to. */
export interface Place {
  readonly notes: Notes;
  readonly object: KubernetesObject;
  readonly path: Path;
}

export function at(place: Place, ...steps: Path): Place {
  return { ...place, path: [...place.path, ...steps] };
}

/** No equivalent, and it decides where traffic goes or who may pass. */
export function unsupported({ notes, object, path }: Place, message: string, remedy?: string): void {
  notes.add({ object, path }, { code: "statement-unsupported", message, remedy });
}

/** Envoy Gateway itself would refuse it. */
export function invalid({ notes, object, path }: Place, message: string, remedy?: string): void {
  notes.add({ object, path }, { code: "argument-invalid", message, remedy });
}

/** Honoured, but not to the letter. */
export function approximated({ notes, object, path }: Place, message: string, remedy?: string): void {
  notes.add({ object, path }, { code: "statement-approximated", message, remedy });
}

/** No equivalent, and no request goes elsewhere for it. */
export function ignored({ notes, object, path }: Place, message: string, remedy?: string): void {
  notes.add({ object, path }, { code: "statement-ignored", message, remedy });
}
