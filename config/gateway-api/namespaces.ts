// Which namespaces a Gateway opens itself to: All, Same, Selector, None.
import { namespaceKind } from "../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import type { LabelSelector, NamespacesFrom } from "./schema/reference.ts";

/** Whether `namespace` is among those that someone in the namespace `own` lets in. */
export function admitsNamespace(
  set: ResourceSet,
  { from, selector }: Pick<NamespacesFrom, "from" | "selector">,
  own: string,
  namespace: string,
): boolean {
  switch (from) {
    case "All":
      return true;
    case "Selector":
      return selector !== undefined && hasSelectedLabels(selector, labelsOf(set, namespace));
    case "None":
      return false;
    default:
      return namespace === own;
  }
}

/** Every namespace has its name as a label (Kubernetes, Automatic labelling), also one that the files do not show. */
function labelsOf(set: ResourceSet, namespace: string): ReadonlyMap<string, string> {
  const labels = set.get(namespaceKind, "", namespace)?.labels ?? {};
  return new Map([...Object.entries(labels), ["kubernetes.io/metadata.name", namespace]]);
}

/** Kubernetes, Labels and Selectors: all requirements hold; an absent label is in no set. */
export function hasSelectedLabels(
  { matchLabels, matchExpressions }: LabelSelector,
  labels: ReadonlyMap<string, string>,
): boolean {
  if (Object.entries(matchLabels).some(([key, value]) => labels.get(key) !== value)) return false;
  return matchExpressions.every(({ key, operator, values }) => {
    const value = labels.get(key);
    const isIn = value !== undefined && values.includes(value);
    switch (operator) {
      case "In":
        return isIn;
      case "NotIn":
        return !isIn;
      case "Exists":
        return value !== undefined;
      case "DoesNotExist":
        return value === undefined;
    }
  });
}
