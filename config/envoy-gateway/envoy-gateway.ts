// Envoy Gateway's kinds beside those of the Gateway API (gateway.envoyproxy.io): its policies, Backend and HTTPRouteFilter.
// The model has its names from there, so that most of it is to find out which policy is in force.
import type {
  Extended,
  Extension,
  ExtensionContext,
  RuleInput,
  RulePolicies,
} from "../gateway-api/extension.ts";
import type { AnyRoute } from "../gateway-api/attachment.ts";
import { joinFilters } from "../gateway-api/join-filters.ts";
import type { Listener } from "../gateway-api/listener.ts";
import type { RuleFields } from "../kubernetes/model-parts.ts";
import type { Kind } from "../kubernetes/kind.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, objectId, type KubernetesObject } from "../kubernetes/object.ts";
import { backendOf } from "./backend.ts";
import { clientSettingsOf, type ClientSettings } from "./client-policy.ts";
import { withFields } from "../with-fields.ts";
import { addHealthCheckRoutes } from "./health-check-routes.ts";
import { filterOf } from "./http-route-filter.ts";
import { mergeSpecs } from "./merge-specs.ts";
import {
  allTargets,
  createPolicyTargets,
  gatewayTargets,
  type Found,
  type Standing,
} from "./policy-targets.ts";
import { backendTrafficPolicyKind, type BackendTrafficPolicy } from "./schema/backend-traffic-policy.ts";
import { clientTrafficPolicyKind, type ClientTrafficPolicy } from "./schema/client-traffic-policy.ts";
import {
  backendKind,
  envoyExtensionPolicyKind,
  envoyGatewayKind,
  envoyPatchPolicyKind,
  envoyProxyKind,
  httpRouteFilterKind,
} from "./schema/other-kinds.ts";
import { securityPolicyKind, type SecurityPolicy, type SecuritySpec } from "./schema/security-policy.ts";
import { securityOf, type SecurityRules } from "./security/security-rules.ts";
import { trafficOf, type Traffic } from "./traffic/traffic-policy.ts";
import { noteUnread } from "./unread-fields.ts";
import { isValidRule } from "./valid-rule.ts";

const kinds: readonly Kind[] = [
  backendTrafficPolicyKind,
  clientTrafficPolicyKind,
  securityPolicyKind,
  backendKind,
  httpRouteFilterKind,
  envoyProxyKind,
  envoyGatewayKind,
  envoyPatchPolicyKind,
  envoyExtensionPolicyKind,
];

export const envoyGateway: Extension = { kinds, read: readEnvoyGateway };

function readEnvoyGateway(context: ExtensionContext): Extended {
  const { set, notes } = context;
  for (const kind of kinds) for (const { object } of set.all(kind)) noteUnread(object, notes);
  const clients = createPolicyTargets<ClientTrafficPolicy>(context, clientTrafficPolicyKind, gatewayTargets);
  const traffic = createPolicyTargets<BackendTrafficPolicy>(context, backendTrafficPolicyKind, allTargets);
  const security = createPolicyTargets<SecurityPolicy>(context, securityPolicyKind, allTargets);
  const makeTraffic = createTraffic(context);
  const trafficFor = madeOnce(makeTraffic);
  const securityFor = madeOnce((found: Found<SecurityPolicy>) => securityFound(found, context));
  const settings = new Map<Standing<ClientTrafficPolicy>, ClientSettings | undefined>();
  const clientsOf = (listener: Listener): ClientSettings | undefined => {
    const found = clients.ofListener(listener);
    if (!found) return undefined;
    const { policy, object } = found;
    if (!settings.has(found)) {
      const made = policy && clientSettingsOf(policy.body.spec, object, context);
      const isValid = !made?.apply || isValidRule(made.apply, object, notes);
      settings.set(found, made && !isValid ? { ...made, apply: undefined } : made);
    }
    return settings.get(found);
  };
  const combined = new Map<string, RulePolicies>();
  return {
    isClosed: (listener) => {
      const found = clients.ofListener(listener);
      return (
        found !== undefined &&
        (found.policy ? clientsOf(listener)!.isClosed : asksForCertificates(found.object))
      );
    },
    ofListener: (listener) => clientsOf(listener)?.listener ?? {},
    ofRule: (route, index, listener) => {
      const name = ruleNameOf(route, index);
      const byTraffic = traffic.ofRule(route, name, listener);
      const bySecurity = security.ofRule(route, name, listener);
      const client = clients.ofListener(listener);
      const change = clientsOf(listener)?.apply;
      if (!byTraffic && !bySecurity && !change) return undefined;
      const key = [idOf(byTraffic), idOf(bySecurity), change && client && objectId(client.object)].join(" ");
      const known = combined.get(key);
      if (known) return known;
      const held = bySecurity && securityFor(bySecurity);
      const carried = byTraffic && trafficFor(byTraffic);
      const isRefused = (bySecurity && (!held || held.isRefused)) || (byTraffic && !carried);
      const made = isRefused ? nobody : combine(carried, held, change);
      combined.set(key, made);
      return made;
    },
    backend: (ref, namespace) => backendOf(ref, namespace, context),
    filter: (ref, namespace) => filterOf(ref, namespace, context),
    finish: () => {
      addHealthCheckRoutes(context, (listener) => clients.ofListener(listener)?.policy);
      for (const targets of [clients, traffic, security]) targets.addStatuses();
    },
  };
}

function ruleNameOf({ body: { spec } }: AnyRoute, index: number): string | undefined {
  const { rules } = spec as unknown as { rules: readonly { readonly name?: string | undefined }[] };
  return rules[index]?.name;
}

/** Which policies were found; the one above counts only where it is merged into the other. */
function idOf(found: Found<BackendTrafficPolicy> | Found<SecurityPolicy> | undefined): string {
  if (!found) return "";
  const above = isMerged(found) ? objectId(found.above!.object) : "";
  return `${objectId(found.own.object)} ${above}`;
}

function isMerged({ own, above }: Found<BackendTrafficPolicy> | Found<SecurityPolicy>): boolean {
  const { mergeType } = own.policy?.body.spec ?? {};
  return above !== undefined && mergeType !== undefined && mergeType !== "Replace";
}

function madeOnce<F extends Found<BackendTrafficPolicy> | Found<SecurityPolicy>, T>(
  make: (found: F) => T,
): (found: F) => T {
  const made = new Map<string, T>();
  return (found) => {
    const key = idOf(found);
    if (!made.has(key)) made.set(key, make(found));
    return made.get(key)!;
  };
}

/** What the policies come to, or nothing where one could not be read. */
interface TrafficFound {
  readonly traffic: Traffic;
  readonly suffix: string;
  readonly object: KubernetesObject;
  /** Names of rate limit policies. */
  readonly limits: readonly string[];
}

function createTraffic({
  set,
  parts,
  notes,
}: ExtensionContext): (found: Found<BackendTrafficPolicy>) => TrafficFound | undefined {
  const limitsOf = new Map<BackendTrafficPolicy, string[]>();
  const make = (policy: BackendTrafficPolicy, spec = policy.body.spec): Traffic =>
    trafficOf(spec, {
      name: `backendtrafficpolicy/${qualifiedName(policy)}`,
      namespace: policy.namespace,
      place: { notes, object: policy.object, path: ["spec"] },
      set,
    });
  // In the model once, however many rules are held to it.
  const limited = (policy: BackendTrafficPolicy): string[] => {
    const known = limitsOf.get(policy);
    if (known) return known;
    const { rateLimit } = make(policy);
    if (rateLimit) parts.addRateLimitPolicy(rateLimit, fieldOf(policy.object, "spec", "rateLimit"));
    const names = rateLimit ? [rateLimit.name] : [];
    limitsOf.set(policy, names);
    return names;
  };
  return (found) => {
    const { own, above } = found;
    if (!own.policy || (isMerged(found) && !above!.policy)) return undefined;
    if (!isMerged(found)) {
      const traffic = make(own.policy);
      if (!isValidRule(traffic.apply, own.object, notes)) return undefined;
      return {
        traffic,
        suffix: `/policy/${qualifiedName(own.policy)}`,
        object: own.object,
        limits: limited(own.policy),
      };
    }
    const below = above!.policy!;
    const { mergeType, rateLimit } = own.policy.body.spec;
    // Rules of both hold where lists are joined by their names, which those of two policies never share.
    const keepsBelow = rateLimit === undefined || mergeType === "StrategicMerge";
    const traffic = make(own.policy, mergeSpecs(below.body.spec, own.policy.body.spec));
    if (!isValidRule(traffic.apply, own.object, notes)) return undefined;
    return {
      traffic,
      suffix: `/policy/${qualifiedName(own.policy)}/over/${qualifiedName(below)}`,
      object: own.object,
      limits: [...(keepsBelow ? limited(below) : []), ...limited(own.policy)],
    };
  };
}

function securityFound(found: Found<SecurityPolicy>, context: ExtensionContext): SecurityRules | undefined {
  const { own, above } = found;
  if (!own.policy || (isMerged(found) && !above!.policy)) return undefined;
  const spec = own.policy.body.spec;
  const below = isMerged(found) ? above!.policy! : undefined;
  const merged = below ? mergeSpecs(below.body.spec, spec) : spec;
  const owner = (block: keyof SecuritySpec): KubernetesObject =>
    below && spec[block] === undefined ? below.object : own.object;
  const place = { notes: context.notes, object: own.object, path: ["spec"] };
  const rules = securityOf(merged, owner, place, context);
  return isValidRule(rules.apply, own.object, context.notes) ? rules : undefined;
}

type Made<T> = T | undefined;

/** Of policies that could not be read, or whose Secrets are not there: Envoy Gateway answers 500, too. */
const nobody: RulePolicies = {
  backend: undefined,
  fields: {},
  apply: ({ name, matches, priority }) => ({
    ...withFields({ name, matches, priority }),
    backendRefs: [{ name: null }],
  }),
  applyToConnections: (rule) => rule,
  connectionSecurity: { clientCIDRs: { deny: ["0.0.0.0/0", "::/0"] } },
};

function combine(
  traffic: Made<TrafficFound>,
  security: Made<SecurityRules>,
  change: ClientSettings["apply"],
): RulePolicies {
  const settings = traffic?.traffic.backend ?? {};
  const hasSettings = traffic && Object.keys(settings).length > 0;
  return {
    backend: hasSettings
      ? { suffix: traffic.suffix, settings, field: { object: traffic.object, path: ["spec"] } }
      : undefined,
    fields: {
      ...(traffic && fieldsOf(traffic.object, ["retry", "timeouts", "rateLimit", "compression"])),
      ...(security && fieldsOf(security.object, ["securityPolicy"])),
    },
    apply: (rule) => {
      const changed = change ? change(rule) : rule;
      const limited = traffic ? withLimits(traffic.traffic.apply(changed), traffic.limits) : changed;
      const held = security ? security.apply(limited) : limited;
      return held.filters ? { ...held, filters: joinFilters(held.filters) } : held;
    },
    applyToConnections: (rule) => (traffic ? traffic.traffic.applyToConnections(rule) : rule),
    get connectionSecurity() {
      return security?.connections;
    },
  };
}

function fieldsOf(object: KubernetesObject, names: readonly (keyof RuleFields)[]): RuleFields {
  return Object.fromEntries(names.map((name) => [name, fieldOf(object, "spec")]));
}

function withLimits(rule: RuleInput, limits: readonly string[]): RuleInput {
  return limits.length > 0 ? { ...rule, rateLimit: { ...rule.rateLimit, policies: [...limits] } } : rule;
}

/** Of a policy that could not be read. */
function asksForCertificates({ value }: KubernetesObject): boolean {
  return JSON.stringify(value["spec"] ?? {}).includes('"clientValidation"');
}
