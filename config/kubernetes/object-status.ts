// What the standards have a controller write into the `status` of objects: who is served, and why somebody is not.
import type { Resource } from "./kind.ts";

/** Kubernetes `metav1.Condition`, without the time of the last change: nothing here has a clock. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** A word of the standard, such as `RefNotPermitted`. */
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: number;
}

/** Conditions of a part of an object, or of what it has to do with another one. */
export interface StatusPart {
  readonly conditions: readonly Condition[];
  readonly [field: string]: unknown;
}

/** The `status` of an object as its standard has it. */
export interface StatusBody {
  readonly conditions?: readonly Condition[];
  /** Gateway API: by listener of a Gateway or ListenerSet. */
  readonly listeners?: readonly (StatusPart & { readonly name: string })[];
  /** Gateway API: by `parentRef` of a route. */
  readonly parents?: readonly (StatusPart & { readonly parentRef: object })[];
  /** Gateway API: by Gateway that a policy has an effect on. */
  readonly ancestors?: readonly (StatusPart & { readonly ancestorRef: object })[];
  readonly [field: string]: unknown;
}

export interface ObjectStatus {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for kinds that live in no namespace. */
  readonly namespace?: string;
  readonly name: string;
  readonly status: StatusBody;
}

/** Collects the statuses of objects. */
export interface Statuses {
  add(resource: Resource<unknown>, status: StatusBody): void;
  /** In the order in which they came. */
  all(): ObjectStatus[];
}

export function createStatuses(): Statuses {
  const statuses: ObjectStatus[] = [];
  return {
    add: ({ object: { value, kind }, namespace, name }, status) => {
      const apiVersion = String(value["apiVersion"]);
      statuses.push({ apiVersion, kind, ...(namespace !== "" && { namespace }), name, status });
    },
    all: () => statuses,
  };
}
