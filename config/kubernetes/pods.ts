// Pods by the labels that Services and policies select them by.
import { podKind } from "./core-kinds.ts";
import type { BodyOf, Resource } from "./kind.ts";
import { hasLabels, type Labels } from "./labels.ts";
import type { ResourceSet } from "./resource-set.ts";

export type Pod = Resource<BodyOf<typeof podKind>>;

export interface Pods {
  /** Those of the namespace that have all of the labels; none where none are asked for. */
  selected(namespace: string, selector: Labels): readonly Pod[];
}

/** One look-up for each selector, whatever the number of Pods. */
export function createPods(set: ResourceSet): Pods {
  const byLabel = new Map<string, Pod[]>();
  for (const pod of set.all(podKind)) {
    for (const [name, value] of Object.entries(pod.labels)) {
      const key = JSON.stringify([pod.namespace, name, value]);
      const list = byLabel.get(key);
      if (list) list.push(pod);
      else byLabel.set(key, [pod]);
    }
  }
  return {
    selected: (namespace, selector) => {
      const lists = Object.entries(selector).map(
        ([name, value]) => byLabel.get(JSON.stringify([namespace, name, value])) ?? [],
      );
      const [shortest = []] = lists.sort((a, b) => a.length - b.length);
      return shortest.filter((pod) => hasLabels(pod, selector));
    },
  };
}
