// What importers of Kubernetes objects say of a field.
import { fieldOf, type Notes } from "./notes.ts";
import type { KubernetesObject } from "./object.ts";
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
export function unsupported(place: Place, message: string, remedy?: string): void {
  add(place, "statement-unsupported", message, remedy);
}

/** What it is written for would itself refuse it. */
export function invalid(place: Place, message: string, remedy?: string): void {
  add(place, "argument-invalid", message, remedy);
}

/** Honoured, but not to the letter. */
export function approximated(place: Place, message: string, remedy?: string): void {
  add(place, "statement-approximated", message, remedy);
}

/** No equivalent, and no request goes elsewhere for it. */
export function ignored(place: Place, message: string, remedy?: string): void {
  add(place, "statement-ignored", message, remedy);
}

/** It leaves endpoints unverified. */
export function unverified(place: Place, message: string): void {
  const remedy = "Name their authorities with credentialName, and remove insecureSkipVerify.";
  add(place, "endpoint-unverified", message, remedy);
}

export function unknownReference(place: Place, message: string, remedy?: string): void {
  add(place, "object-reference-unknown", message, remedy);
}

function add(
  { notes, object, path }: Place,
  code: Parameters<Notes["add"]>[1]["code"],
  message: string,
  remedy: string | undefined,
): void {
  notes.add(fieldOf(object, ...path), { code, message, remedy });
}
