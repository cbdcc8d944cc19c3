// What is made of the policies that hold at a place: made once, for thousands of rules come in by one gateway and lead to
// one Service.
import { objectId, type KubernetesObject } from "../../kubernetes/object.ts";

/** The policies that hold at a place. */
export interface Held<T> {
  readonly items: readonly T[];
  /** By which requests come in there; none are asked for where nothing is held. */
  readonly ports: readonly number[];
}

export function madeOnce<T extends { readonly object: KubernetesObject }, Made>(
  make: (held: Held<T>) => Made,
): (held: Held<T>) => Made {
  const known = new Map<string, { readonly made: Made }>();
  return (held) => {
    const key = JSON.stringify([held.ports, held.items.map(({ object }) => objectId(object))]);
    const found = known.get(key) ?? { made: make(held) };
    known.set(key, found);
    return found.made;
  };
}

/** Gives the first of all equal values for each, so that a `Set` has each once. `known`: those that there are already. */
export function firstOfEqual<T extends object>(...known: readonly T[]): (value: T) => T {
  const first = new Map(known.map((value) => [JSON.stringify(value), value]));
  return (value) => {
    const text = JSON.stringify(value);
    const found = first.get(text) ?? value;
    first.set(text, found);
    return found;
  };
}
