// The Kubernetes manifests of a configuration → validated model. They are read together, whatever files they stand in:
// a route, its Service and its Secret only make sense together.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { beyondTotals, checkTotals } from "../native/merge.ts";
import { nativeConfigSchema } from "../native/schema.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import type { ParsedSource } from "../native/source-document.ts";
import { createReport, type Path } from "../report.ts";
import type { ImportContext } from "./importer.ts";
import { importers } from "./importers.ts";
import { coreKinds } from "./core-kinds.ts";
import { createModelParts, type ModelParts } from "./model-parts.ts";
import { createNotes, type Notes } from "./notes.ts";
import { objectId } from "./object.ts";
import { createStatuses, type ObjectStatus } from "./object-status.ts";
import { readObjects, type ReadObjects } from "./read-objects.ts";
import { createResourceSet } from "./resource-set.ts";
import { createServices } from "./services.ts";

export interface ParsedKubernetes extends ParsedSource {
  /** Ids of the objects that have an error of their own. */
  readonly broken: ReadonlySet<string>;
  readonly statuses: readonly ObjectStatus[];
  /** Id of the object that a part of the model comes from. */
  objectAt(path: Path): string | undefined;
}

/** All manifests of the files, to be translated as often as there are broken objects to leave out. */
export function readManifests(files: readonly SourceFile[], isolate: boolean): ReadObjects {
  const read = files.map((file) => readObjects(file, isolate));
  return {
    objects: read.flatMap(({ objects }) => objects),
    diagnostics: read.flatMap(({ diagnostics }) => diagnostics),
    confined: read.flatMap(({ confined }) => confined),
  };
}

/** Never throws. `without`: ids of objects that count as not there. */
export function parseKubernetes(manifests: ReadObjects, without: ReadonlySet<string>): ParsedKubernetes {
  const notes = createNotes();
  const parts = createModelParts();
  const kinds = [...coreKinds, ...importers.flatMap((importer) => importer.kinds)];
  const set = createResourceSet(manifests.objects, kinds, notes, without);
  const services = createServices(set);
  const statuses = createStatuses();
  const openPorts = new Set(importers.flatMap((importer) => importer.openPorts?.(set) ?? []));
  const context: ImportContext = { set, services, parts, notes, statuses, openPorts };
  for (const { translate } of importers) translate(context);
  const parsed = withModel(parts, notes, [...manifests.diagnostics, ...notes.diagnostics()]);
  return { ...parsed, statuses: statuses.all() };
}

function withModel(
  parts: ModelParts,
  notes: Notes,
  diagnostics: Diagnostic[],
): Omit<ParsedKubernetes, "statuses"> {
  const result = nativeConfigSchema.safeParse(parts.config);
  const broken = new Set(notes.broken);
  const objectAt = (path: Path): string | undefined => {
    const object = parts.objectAt(path);
    return object && objectId(object);
  };
  const report = createReport(parts.locate);
  // The schema would say of each list as a whole that it is too long. Who came last is over the bound.
  checkTotals(parts.config, report);
  for (const path of beyondTotals(parts.config)) {
    const id = objectAt(path);
    if (id !== undefined) broken.add(id);
  }
  const issues = (result.error?.issues ?? []).filter(
    ({ code, path }) => code !== "too_big" || path.length > 1,
  );
  for (const finding of schemaFindings(nativeConfigSchema, parts.config, issues)) {
    report.add(finding);
    const id = objectAt(finding.path);
    if (id !== undefined) broken.add(id);
  }
  const all = [...diagnostics, ...report.diagnostics()];
  const isValid = result.success && !all.some(({ severity }) => severity === "error");
  return {
    name: "the Kubernetes manifests",
    fields: new Set(Object.keys(parts.config)),
    locate: parts.locate,
    diagnostics: all,
    broken,
    objectAt,
    ...(isValid && { config: result.data }),
  };
}
