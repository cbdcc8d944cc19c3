// ReferenceGrant: who may refer across namespaces to what.
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import { referenceGrantKind } from "./schema/policy-kinds.ts";

export interface Referent {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

export interface Referrer {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

export interface ReferenceGrants {
  /** Within a namespace always; otherwise a grant in the namespace of what is referred to must say so. */
  permit(from: Referrer, to: Referent): boolean;
}

export function createReferenceGrants(set: ResourceSet): ReferenceGrants {
  const byNamespace = Map.groupBy(set.all(referenceGrantKind), ({ namespace }) => namespace);
  return {
    permit: (from, to) =>
      from.namespace === to.namespace ||
      (byNamespace.get(to.namespace) ?? []).some(
        ({ body: { spec } }) =>
          spec.from.some(
            ({ group, kind, namespace }) =>
              group === from.group && kind === from.kind && namespace === from.namespace,
          ) &&
          spec.to.some(
            ({ group, kind, name }) =>
              group === to.group && kind === to.kind && (name === undefined || name === to.name),
          ),
      ),
  };
}
