// What a conformance test is here: the upstream suite's name, manifests of our own that ask the same, and what must come
// out of the running gateway.
import type { Condition, ObjectStatus, StatusBody } from "#config/kubernetes/object-status.ts";
import type { World } from "./world.ts";

/** What is said of objects of the test's namespace, or of others as `NAMESPACE/NAME`. */
export interface StatusReader {
  /** Conditions of an object, of its listeners and of its parents: `TYPE=STATUS REASON` each. */
  conditions(kind: string, name: string): string[];
  /** Those of the object alone, or of one listener, parent or ancestor of that name. */
  conditionsOf(kind: string, name: string, part?: string): string[];
  /** `observedGeneration` of each of them. */
  observedGenerations(kind: string, name: string): number[];
  /** `LISTENER: N routes of KIND, KIND` each. */
  listeners(kind: string, name: string): string[];
  /** A field of the status itself. */
  field(kind: string, name: string, field: string): unknown;
}

export interface Running extends World, StatusReader {}

export interface ConformanceTest {
  /** `ShortName` of the suite. */
  readonly name: string;
  readonly support: "core" | "extended";
  /** Names of the ports that the manifests need. Default: `http`. */
  readonly ports?: readonly string[];
  readonly manifests: (world: World) => string;
  readonly run: (world: Running) => Promise<void> | void;
}

/** Conditions of a route or of a policy that is as it should be. */
export const accepted = ["Accepted=True Accepted", "ResolvedRefs=True ResolvedRefs"];

export function statusReader(statuses: readonly ObjectStatus[], namespace: string): StatusReader {
  const statusOf = (kind: string, name: string): StatusBody =>
    statuses.find(
      (one) =>
        one.kind === kind &&
        [
          one.namespace === undefined ? one.name : `${one.namespace}/${one.name}`,
          ...(one.namespace === namespace ? [one.name] : []),
        ].includes(name),
    )?.status ?? {};
  const all = (kind: string, name: string): Condition[] => {
    const { conditions = [], parents = [], listeners = [], ancestors = [] } = statusOf(kind, name);
    return [conditions, ...[...parents, ...listeners, ...ancestors].map((part) => part.conditions)].flat();
  };
  return {
    conditions: (kind, name) => all(kind, name).map(textOf),
    conditionsOf: (kind, name, wanted) => {
      const { conditions = [], parents = [], listeners = [], ancestors = [] } = statusOf(kind, name);
      if (wanted === undefined) return conditions.map(textOf);
      return [
        ...listeners.map((one) => ({ ...one, name: one.name })),
        ...parents.map((one) => ({ ...one, name: nameOf(one.parentRef) })),
        ...ancestors.map((one) => ({ ...one, name: nameOf(one.ancestorRef) })),
      ]
        .filter((part) => part.name === wanted)
        .flatMap((part) => part.conditions.map(textOf));
    },
    observedGenerations: (kind, name) => all(kind, name).map((one) => one.observedGeneration),
    listeners: (kind, name) =>
      (statusOf(kind, name).listeners ?? []).map((one) => {
        const kinds = (one["supportedKinds"] as { kind: string }[]).map((supported) => supported.kind);
        return `${one.name}: ${String(one["attachedRoutes"])} routes of ${kinds.join(", ") || "no kind"}`;
      }),
    field: (kind, name, field) => statusOf(kind, name)[field],
  };
}

function textOf({ type, status, reason }: Condition): string {
  return `${type}=${status} ${reason}`;
}

function nameOf(ref: object): string {
  return (ref as { readonly name: string }).name;
}
