// What importers have to say of the kinds they read: which versions, and the shape that every object must have.
import { z } from "zod";
import type { KubernetesObject } from "./object.ts";

export interface Kind<Body = unknown> {
  readonly group: string;
  /** Newest first. */
  readonly versions: readonly string[];
  readonly kind: string;
  /** Lives in a namespace. */
  readonly namespaced: boolean;
  /** The object without apiVersion, kind, metadata and status. */
  readonly body: z.ZodType<Body>;
}

/** An object of a kind, its shape checked. */
export interface Resource<Body> {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, as the API server wrote it; absent in a manifest that was never applied. */
  readonly creationTimestamp: string | undefined;
  readonly generation: number;
  readonly body: Body;
  readonly object: KubernetesObject;
}

export type BodyOf<K> = K extends Kind<infer Body> ? Body : never;

export function defineKind<Body>(kind: Kind<Body>): Kind<Body> {
  return kind;
}

const stringMap = z.record(z.string(), z.string());

/** Of the many fields that the API server adds, those that mean something here. */
export const metadataSchema = z.looseObject({
  name: z.string().min(1).max(253),
  namespace: z.string().max(63).optional(),
  labels: stringMap.nullish(),
  annotations: stringMap.nullish(),
  creationTimestamp: z.string().nullish(),
  generation: z.int().optional(),
});
