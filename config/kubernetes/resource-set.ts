// All objects of a configuration by kind and name, their shapes checked against their kinds.
import { z } from "zod";
import { nearestName } from "../native/nearest-name.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import { metadataSchema, type Kind, type Resource } from "./kind.ts";
import { fieldOf, type Notes } from "./notes.ts";
import { objectId, qualifiedName, type KubernetesObject } from "./object.ts";

export interface ResourceSet {
  /** In the order of their age, then of namespace and name: whoever was first wins (Gateway API, Conflicts). */
  all<Body>(kind: Kind<Body>): readonly Resource<Body>[];
  get<Body>(kind: Kind<Body>, namespace: string, name: string): Resource<Body> | undefined;
  /**
   * Objects of the kind that are not among the others because they are broken. Those that guard something must not open
   * it by that.
   */
  leftOut(kind: Kind): readonly KubernetesObject[];
}

/** Kinds without a meaning for traffic: what runs the pods, who may do what in the cluster. */
const groupsAside = new Set([
  "apps",
  "batch",
  "autoscaling",
  "policy",
  "rbac.authorization.k8s.io",
  "apiextensions.k8s.io",
  "admissionregistration.k8s.io",
  "storage.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "monitoring.coreos.com",
]);
const coreAside = new Set([
  "ServiceAccount",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "ReplicationController",
  "LimitRange",
  "ResourceQuota",
  "Node",
  "Event",
  "Endpoints",
  "PodTemplate",
]);

/** Of a group that is read; the cluster's network sees to them, whatever the gateway does. */
const networkAside = new Set(["NetworkPolicy", "IPAddress", "ServiceCIDR"]);

/**
 * Objects of a wrong shape, of unknown kinds and versions, and second ones of a name are noted and left out.
 * `without` holds ids of objects that are to be left out silently.
 */
export function createResourceSet(
  objects: readonly KubernetesObject[],
  kinds: readonly Kind[],
  notes: Notes,
  without: ReadonlySet<string> = new Set(),
): ResourceSet {
  const known = new Map(kinds.map((kind) => [`${kind.group}/${kind.kind}`, kind]));
  const byKind = new Map<Kind, Map<string, Resource<unknown>>>();
  const leftOut = new Map<Kind, KubernetesObject[]>();
  const leave = (kind: Kind, object: KubernetesObject): void => {
    const known = leftOut.get(kind);
    if (known) known.push(object);
    else leftOut.set(kind, [object]);
  };
  const seen = new Set<string>();
  for (const found of objects) {
    const kind = known.get(`${found.group}/${found.kind}`);
    const object = kind?.namespaced === false ? { ...found, namespace: "" } : found;
    const id = objectId(object);
    if (without.has(id)) {
      if (kind) leave(kind, object);
      continue;
    }
    if (!kind) {
      noteUnknown(object, kinds, notes);
      continue;
    }
    if (seen.has(id)) {
      noteRepeated(object, notes);
      continue;
    }
    seen.add(id);
    const resource = readResource(object, kind, notes);
    if (!resource) {
      leave(kind, object);
      continue;
    }
    const members = byKind.get(kind) ?? new Map<string, Resource<unknown>>();
    byKind.set(kind, members);
    members.set(qualifiedName(resource), resource);
  }
  const sorted = new Map(
    [...byKind].map(([kind, members]) => [kind, [...members.values()].sort(compareAge)]),
  );
  return {
    all: <Body>(kind: Kind<Body>) => (sorted.get(kind as Kind) ?? []) as readonly Resource<Body>[],
    get: <Body>(kind: Kind<Body>, namespace: string, name: string) => {
      const key = qualifiedName({ namespace: kind.namespaced ? namespace : "", name });
      return byKind.get(kind as Kind)?.get(key) as Resource<Body> | undefined;
    },
    leftOut: (kind) => leftOut.get(kind) ?? [],
  };
}

/** Objects that the API server has not seen yet are younger than all that it has. */
function compareAge(a: Resource<unknown>, b: Resource<unknown>): number {
  const [ageA, ageB] = [a.creationTimestamp ?? "~", b.creationTimestamp ?? "~"];
  if (ageA !== ageB) return ageA < ageB ? -1 : 1;
  const [nameA, nameB] = [qualifiedName(a), qualifiedName(b)];
  return nameA < nameB ? -1 : nameA > nameB ? 1 : 0;
}

function readResource(object: KubernetesObject, kind: Kind, notes: Notes): Resource<unknown> | undefined {
  if (!kind.versions.includes(object.version)) {
    const expected = kind.versions
      .map((version) => JSON.stringify(apiVersion(kind.group, version)))
      .join(" or ");
    const message = `${object.kind} of version ${JSON.stringify(apiVersion(kind.group, object.version))}; expected ${expected}`;
    notes.add(fieldOf(object, "apiVersion"), { code: "object-version-unsupported", message });
    return undefined;
  }
  const { apiVersion: _version, kind: _kind, metadata, status, ...body } = object.value;
  const meta = metadataSchema.safeParse(metadata);
  // Pods say in their status where they run; of all others it is what somebody else once thought.
  const result = kind.body.safeParse(kind.kind === "Pod" ? { ...body, status } : body);
  if (!meta.success || !result.success) {
    const issues = meta.success ? [] : meta.error.issues;
    noteFindings(
      object,
      z.looseObject({ metadata: metadataSchema }),
      { metadata },
      issues,
      ["metadata"],
      notes,
    );
    noteFindings(object, kind.body, body, result.error?.issues ?? [], [], notes);
    return undefined;
  }
  const { labels, annotations, creationTimestamp, generation } = meta.data;
  return {
    namespace: object.namespace,
    name: object.name,
    labels: labels ?? {},
    annotations: annotations ?? {},
    creationTimestamp: creationTimestamp ?? undefined,
    generation: generation ?? 1,
    body: result.data,
    object,
  };
}

function noteFindings(
  object: KubernetesObject,
  schema: z.ZodType,
  value: unknown,
  issues: readonly z.core.$ZodIssue[],
  prefix: readonly string[],
  notes: Notes,
): void {
  const placed = issues.map((issue) => ({ ...issue, path: [...prefix, ...issue.path] }));
  for (const { path, code, message, remedy, at } of schemaFindings(schema, value, placed)) {
    notes.add(fieldOf(object, ...path), { code, message, remedy, at });
  }
}

function noteUnknown(object: KubernetesObject, kinds: readonly Kind[], notes: Notes): void {
  const { group, kind } = object;
  if (groupsAside.has(group) || (group === "" && coreAside.has(kind))) return;
  const sameGroup = kinds.filter((candidate) => candidate.group === group).map((candidate) => candidate.kind);
  const near = nearestName(kind, sameGroup);
  // In a group that is read, a kind that is not would have meant something.
  const isAside = group === "networking.k8s.io" && networkAside.has(kind);
  const isMissed = sameGroup.length > 0 && group !== "" && !isAside;
  const code = isMissed ? "object-kind-unsupported" : "object-kind-ignored";
  notes.add(fieldOf(object, "kind"), {
    code,
    message: `${JSON.stringify(kind)} of ${JSON.stringify(apiVersion(group, object.version))} is not read here`,
    ...(near !== undefined && { remedy: `Did you mean ${JSON.stringify(near)}?` }),
  });
}

function noteRepeated(object: KubernetesObject, notes: Notes): void {
  notes.add(fieldOf(object, "metadata", "name"), {
    code: "object-repeated",
    message: `a second ${object.kind} named ${JSON.stringify(qualifiedName(object))}`,
    remedy: "Keep one of them: in the cluster there is only one.",
  });
}

function apiVersion(group: string, version: string): string {
  return group === "" ? version : `${group}/${version}`;
}
