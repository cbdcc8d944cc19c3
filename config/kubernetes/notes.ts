// What importers say about objects, each time with kind, name and field: `HTTPRoute["shop/orders"].spec.rules[0]`.
import type { Diagnostic } from "#contract/diagnostic.ts";
import { diagnosticCodes, type DiagnosticCode } from "../diagnostic-code.ts";
import { createReport, type DiagnosticReport, type Origin, type Path } from "../report.ts";
import { objectId, originOf, type KubernetesObject, type ObjectField } from "./object.ts";

export interface Note {
  readonly code: DiagnosticCode;
  /** What is wrong or lost. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string | undefined;
  /** Point at the key rather than at its value. */
  readonly at?: "key" | "value" | undefined;
}

export interface Notes {
  /** `path` counts from the object's root. */
  add(field: ObjectField, note: Note): void;
  /** Ids of the objects that have an error. */
  readonly broken: ReadonlySet<string>;
  diagnostics(): Diagnostic[];
}

export function createNotes(): Notes {
  const broken = new Set<string>();
  // The report asks for the place only of what it keeps, and to find one a document is read again.
  let place: () => Origin;
  const report: DiagnosticReport = createReport(() => place());
  const said = new Set<string>();
  return {
    broken,
    add: ({ object, path }, { code, message, remedy, at = "value" }) => {
      if (diagnosticCodes[code].severity === "error") broken.add(objectId(object));
      place = () => originOf({ object, path }, at);
      const key = JSON.stringify([objectId(object), path, code, message]);
      // What several routes find in one Service is said once. Bounded by what the report keeps.
      if (said.has(key)) return;
      if (said.size < 10_000) said.add(key);
      report.add({ code, path: [], message, ...(remedy !== undefined && { remedy }) });
    },
    diagnostics: () => report.diagnostics(),
  };
}

/** A field of an object, for notes and origins. */
export function fieldOf(object: KubernetesObject, ...path: Path): ObjectField {
  return { object, path };
}
