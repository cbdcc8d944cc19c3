// The policies of an extension over a route's rules: where its listeners have different ones, the route is as many routes.
import type { BackendVariant, Extended, RulePolicies } from "./extension.ts";
import type { AnyRoute } from "./attachment.ts";
import type { Listener } from "./listener.ts";
import type { TranslatedRule } from "./http-route.ts";

/** Listeners of the model at which all rules are held to the same policies; those of `spec.rules` in their order. */
export interface PolicyPart {
  readonly listeners: readonly Listener[];
  readonly policies: readonly (RulePolicies | undefined)[];
}

export interface PolicySplit {
  readonly route: AnyRoute;
  /** How many rules `spec.rules` has. */
  readonly ruleCount: number;
  /** Those that the route is attached to, whichever listeners of the model stand for them. */
  readonly attached: readonly Listener[];
  servedAs(listener: Listener): Listener;
}

/** `listeners`: those of the model. */
export function policyParts(
  { route, ruleCount, attached, servedAs }: PolicySplit,
  listeners: readonly Listener[],
  extended: Extended,
): PolicyPart[] {
  const parts: { listeners: Listener[]; policies: (RulePolicies | undefined)[] }[] = [];
  for (const listener of listeners) {
    // Of several Gateways that share it, the oldest that the route names.
    const own = attached.find((one) => servedAs(one) === listener) ?? listener;
    const policies = Array.from({ length: ruleCount }, (_, index) => extended.ofRule(route, index, own));
    const part = parts.find((known) => known.policies.every((policy, index) => policy === policies[index]));
    if (part) part.listeners.push(listener);
    else parts.push({ listeners: [listener], policies });
  }
  return parts;
}

/** Which variants of its backends a route uses; `undefined` stands for the backend as it is. */
export type BackendUse = Map<string, Set<BackendVariant | undefined>>;

type Ref = { name: string | null; filters?: readonly unknown[] | undefined };

/** References to the backends as the policies have them. */
export function refsInVariant<R extends Ref>(
  refs: readonly R[],
  variant: BackendVariant | undefined,
  use: BackendUse,
): R[] {
  return refs.map((ref) => {
    if (ref.name === null) return ref;
    const known = use.get(ref.name) ?? new Set();
    use.set(ref.name, known.add(variant));
    return variant ? { ...ref, name: `${ref.name}${variant.suffix}` } : ref;
  });
}

/** `rule` with its policies; mirrors, and questions about requests, go to the backends as they are. */
export function ruleWithPolicies(
  { rule }: TranslatedRule,
  policies: RulePolicies | undefined,
  use: BackendUse,
): TranslatedRule["rule"] {
  for (const filter of [
    ...(rule.filters ?? []),
    ...(rule.backendRefs ?? []).flatMap((ref) => ref.filters ?? []),
  ]) {
    if (filter.type !== "RequestMirror") continue;
    const { name } = filter.requestMirror.backendRef;
    use.set(name, (use.get(name) ?? new Set()).add(undefined));
  }
  const server = rule.securityPolicy?.extAuth?.grpc?.backendRef.name;
  if (server !== undefined) use.set(server, (use.get(server) ?? new Set()).add(undefined));
  const { backendRefs } = rule;
  const led = backendRefs
    ? { ...rule, backendRefs: refsInVariant(backendRefs, policies?.backend, use) }
    : rule;
  return policies ? policies.apply(led) : led;
}
