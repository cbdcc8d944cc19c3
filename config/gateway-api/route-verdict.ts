// What is found out about one route while it is translated: for its conditions, for the reader, and for the model.
import type { Notes } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { Backends, FoundBackend, Referring } from "./backends.ts";
import type { TrafficSettings } from "./backend-traffic-policies.ts";
import type { Problem } from "./condition.ts";
import type { Extended } from "./extension.ts";
import type { FilterContext } from "./http-filters.ts";
import type { BackendUse } from "./policy-parts.ts";
import { createRuleValidity } from "./rule-validity.ts";
import type { BackendObjectRef } from "./schema/reference.ts";
import type { SessionPersistence } from "./schema/route-kinds.ts";

export interface RouteVerdict extends FilterContext {
  /** Against `ResolvedRefs`: what was found first. */
  readonly unresolvedRefs: Problem | undefined;
  /** Against `Accepted`, whatever the parents say: all rules are invalid. */
  readonly refused: Problem | undefined;
  /** For `PartiallyInvalid`: some rules are, and their requests are answered 500. */
  readonly dropped: Problem | undefined;
  /** One of its backends speaks HTTP/2. */
  readonly hasHttp2Backend: boolean;
  /** Whether the backend of that name stands in for others. */
  isFallback(backend: string): boolean;
  /** What the policies of these backends' Services say of sessions, for a rule that does not say it. */
  sessionOf(backends: readonly (string | null)[], field: ObjectField): ServiceSession | undefined;
  /** Adds the backends of the route to the model, in their variants; a route that nobody takes has none. */
  addBackends(use: BackendUse): void;
  /** `http://address:port` of a server that is no backend of the route. */
  serverUrl(ref: BackendObjectRef, field: ObjectField): string | undefined;
  /** The backend through which such a server is called over gRPC. */
  calledServer(ref: BackendObjectRef, field: ObjectField): string | undefined;
}

export interface ServiceSession {
  readonly session: SessionPersistence;
  /** `spec` of the policy. */
  readonly policy: ObjectField;
}

export function createVerdict(
  from: Referring,
  backends: Backends,
  extended: Extended,
  notes: Notes,
): RouteVerdict {
  let unresolvedRefs: Problem | undefined;
  const validity = createRuleValidity(from.route.body.spec.rules.length);
  const found: FoundBackend[] = [];
  const unresolved = (problem: Problem, field: ObjectField): void => {
    unresolvedRefs ??= problem;
    notes.add(field, { code: "reference-unresolved", message: problemText(problem) });
  };
  const resolve = (ref: BackendObjectRef, field: ObjectField, by = from): FoundBackend | undefined => {
    const backend = backends.resolve(ref, by, field);
    if (!("reason" in backend)) return backend;
    unresolved(backend, field);
    return undefined;
  };
  return {
    get unresolvedRefs() {
      return unresolvedRefs;
    },
    get refused() {
      return validity.refused;
    },
    get dropped() {
      return validity.dropped;
    },
    get hasHttp2Backend() {
      return found.some(({ isHttp2 }) => isHttp2);
    },
    unresolved,
    refuse: (problem, field) => {
      // `spec.rules[rule]…`
      validity.refuse(field.path[2] as number, problem);
      notes.add(field, { code: "route-not-accepted", message: problemText(problem) });
    },
    unsupported: (message, field) => notes.add(field, { code: "statement-unsupported", message }),
    backend: (ref, field) => {
      const backend = resolve(ref, field);
      if (backend) found.push(backend);
      return backend?.name;
    },
    serverUrl: (ref, field) => {
      const backend = resolve(ref, field);
      if (!backend?.hasTls) return backend?.url;
      const message = "TLS settings hold for backends of routes, not for servers that authorize";
      notes.add(field, { code: "statement-unsupported", message });
      return undefined;
    },
    calledServer: (ref, field) => {
      const backend = resolve(ref, field, { ...from, carries: "calls" });
      if (backend) found.push(backend);
      return backend?.name;
    },
    extension: (ref) => extended.filter(ref, from.route.namespace),
    isFallback: (backend) => found.some(({ name, isFallback }) => name === backend && isFallback),
    sessionOf: (backends, field) => {
      const settings = backends.map((backend) => found.find(({ name }) => name === backend)?.settings);
      return commonSession(settings, field, notes);
    },
    addBackends: (use) => {
      for (const { name, add } of found) {
        for (const variant of (name !== undefined && use.get(name)) || []) add(variant);
      }
    },
  };
}

function commonSession(
  settings: readonly (TrafficSettings | undefined)[],
  field: ObjectField,
  notes: Notes,
): ServiceSession | undefined {
  const first = settings.find((one) => one?.sessionPersistence !== undefined);
  if (!first?.sessionPersistence) return undefined;
  if (settings.some((one) => one?.field.object !== first.field.object)) {
    const message =
      "a session is with the rule: it holds for backends whose policies do not ask for it, or for another one";
    notes.add(field, { code: "statement-approximated", message });
  }
  return { session: first.sessionPersistence, policy: first.field };
}

/** `there is no Service shop/orders (BackendNotFound)`: the reason is what people search for. */
export function problemText({ reason, message }: Problem): string {
  return `${message} (${reason})`;
}
