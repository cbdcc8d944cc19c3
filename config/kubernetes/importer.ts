// What an importer of Kubernetes objects is. Each has a folder of its own beside this one.
import type { Kind } from "./kind.ts";
import type { ModelParts } from "./model-parts.ts";
import type { Notes } from "./notes.ts";
import type { Statuses } from "./object-status.ts";
import type { ResourceSet } from "./resource-set.ts";
import type { Services } from "./services.ts";

export interface ImportContext {
  readonly set: ResourceSet;
  readonly services: Services;
  readonly parts: ModelParts;
  readonly notes: Notes;
  /** Of objects whose standard has one. */
  readonly statuses: Statuses;
  /** `openPorts` of all importers. */
  readonly openPorts: ReadonlySet<number>;
}

export interface Importer {
  /** Kinds that it reads, besides those of the core API. */
  readonly kinds: readonly Kind[];
  /** Ports at which its objects ask to listen for everyone: routes of the mesh that another importer has leave them alone. */
  openPorts?(set: ResourceSet): readonly number[];
  /**
   * Adds to `parts` what its objects mean, and notes what they do not. What one object says must not depend on whether
   * another one, of which it does not speak, is there or is broken.
   */
  translate(context: ImportContext): void;
}
