// What the annotations of one Ingress say, read once.
import type { Notes } from "../kubernetes/notes.ts";
import { checkAnnotations } from "./annotation/check-annotations.ts";
import { readAnnotations, type Annotations } from "./annotation/annotations.ts";
import { readRedirects, type Redirects } from "./annotation/redirects.ts";
import { readRewrite, type Rewrite } from "./annotation/rewrite.ts";
import type { Ingress } from "./kinds.ts";
import type { FilterInput, RulePolicies } from "./rule-parts.ts";

export interface Settings {
  readonly annotations: Annotations;
  readonly redirects: Redirects;
  readonly rewrite: Rewrite;
  /** For every rule of the Ingress that goes to a backend. */
  readonly filters: readonly FilterInput[];
  readonly policies: RulePolicies;
}

export function readSettings(ingress: Ingress, notes: Notes): Settings {
  const annotations = readAnnotations(ingress, notes);
  checkAnnotations(ingress, annotations, notes);
  return {
    annotations,
    redirects: readRedirects(annotations),
    rewrite: readRewrite(annotations),
    filters: [],
    policies: {},
  };
}
