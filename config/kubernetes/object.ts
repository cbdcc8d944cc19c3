// One object of a Kubernetes manifest, before anything of its kind is known.
import type { Locate, Origin, Path } from "../report.ts";

export interface KubernetesObject {
  /** Empty: the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** Empty for kinds that live in no namespace. */
  readonly namespace: string;
  readonly name: string;
  /** The whole object as plain values. */
  readonly value: Readonly<Record<string, unknown>>;
  /** Finds fields of the object in its file. */
  readonly locate: Locate;
}

/** Which object is meant, whatever its version: one of a kind, namespace and name exists once. */
export function objectId({
  group,
  kind,
  namespace,
  name,
}: Omit<KubernetesObject, "version" | "value" | "locate">): string {
  return `${group}/${kind}/${namespace}/${name}`;
}

/** `shop/orders`, or `nginx` for what lives in no namespace. */
export function qualifiedName({
  namespace,
  name,
}: {
  readonly namespace: string;
  readonly name: string;
}): string {
  return namespace === "" ? name : `${namespace}/${name}`;
}

/** A field of an object: where a part of the model comes from, or what a note is about. */
export interface ObjectField {
  readonly object: KubernetesObject;
  readonly path: Path;
}

/** Where the field stands; its path begins with kind and name: in a file of many objects their number helps nobody. */
export function originOf({ object, path }: ObjectField, at: "key" | "value"): Origin {
  const { file, line, column } = object.locate(path, at);
  return { file, line, column, path: [object.kind, qualifiedName(object), ...path] };
}
