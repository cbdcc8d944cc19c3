// DestinationRules: which ones hold for a host, and what they say together of one port and subset.
import { fieldOf } from "../../kubernetes/notes.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { Path } from "../../report.ts";
import { covers, fullHost, isExportedTo, rootNamespace } from "../host.ts";
import {
  destinationRuleKind,
  type DestinationRule,
  type Subset,
  type TrafficPolicy,
} from "../kinds/destination-rule.ts";

type Part = Exclude<keyof TrafficPolicy, "portLevelSettings">;

/** A part of a policy with the place where it is written. */
export interface Sourced<T> {
  readonly value: T;
  readonly object: KubernetesObject;
  readonly path: Path;
}

export type EffectivePolicy = { readonly [K in Part]?: Sourced<NonNullable<TrafficPolicy[K]>> };

export interface DestinationRules {
  /**
   * Of the first of these namespaces that has rules for the host: the client's, the host's, that of the whole mesh.
   * Several of one namespace are merged, the oldest first.
   */
  of(host: string, client: string, owner: string): readonly DestinationRule[];
}

/** Rules of one namespace. */
interface Rules {
  readonly exact: ReadonlyMap<string, readonly DestinationRule[]>;
  /** Those for wildcards, the longest first. */
  readonly wild: readonly (readonly [pattern: string, rules: readonly DestinationRule[]])[];
}

function indexRules(namespace: string, rules: readonly DestinationRule[]): Rules {
  const plain = rules.filter(({ body }) => body.spec.workloadSelector === undefined);
  const byHost = Map.groupBy(plain, ({ body }) => fullHost(body.spec.host, namespace));
  const wild = [...byHost].filter(([host]) => host.startsWith("*"));
  return { exact: byHost, wild: wild.sort(([a], [b]) => b.length - a.length) };
}

export function createDestinationRules(set: ResourceSet, exportTo: readonly string[]): DestinationRules {
  const byNamespace = new Map(
    [...Map.groupBy(set.all(destinationRuleKind), ({ namespace }) => namespace)].map(
      ([namespace, rules]) => [namespace, indexRules(namespace, rules)] as const,
    ),
  );
  const within = (namespace: string, host: string, client: string): DestinationRule[] => {
    const rules = byNamespace.get(namespace);
    if (!rules) return [];
    // The very host before wildcards.
    const candidates = [
      rules.exact.get(host) ?? [],
      ...rules.wild.flatMap(([pattern, list]) => (covers(pattern, host) ? [list] : [])),
    ];
    for (const list of candidates) {
      const visible = list.filter(({ body }) =>
        isExportedTo(body.spec.exportTo, namespace, client, exportTo),
      );
      if (visible.length > 0) return visible;
    }
    return [];
  };
  return {
    of: (host, client, owner) => {
      for (const namespace of new Set([client, owner, rootNamespace])) {
        const found = within(namespace, host, client);
        if (found.length > 0) return found;
      }
      return [];
    },
  };
}

/** A subset, with the rule and place that define it. */
export interface FoundSubset {
  readonly subset: Subset;
  readonly rule: DestinationRule;
  readonly path: Path;
}

export function findSubset(rules: readonly DestinationRule[], name: string): FoundSubset | undefined {
  for (const rule of rules) {
    const index = (rule.body.spec.subsets ?? []).findIndex((subset) => subset.name === name);
    if (index >= 0) {
      return { subset: rule.body.spec.subsets![index]!, rule, path: ["spec", "subsets", index] };
    }
  }
  return undefined;
}

/**
 * The subset's parts in place of the host's. Settings of a port stand for all others of their level: what they leave out
 * has its default.
 */
export function effectivePolicy(
  rules: readonly DestinationRule[],
  port: number,
  subset: FoundSubset | undefined,
): EffectivePolicy {
  const rule = rules.find(({ body }) => body.spec.trafficPolicy !== undefined);
  const general = rule
    ? levelOf(rule.body.spec.trafficPolicy!, port, rule.object, ["spec", "trafficPolicy"])
    : undefined;
  const policy = subset?.subset.trafficPolicy;
  if (!subset || !policy) return general?.parts ?? {};
  const special = levelOf(policy, port, subset.rule.object, [...subset.path, "trafficPolicy"]);
  if (!special.isPortLevel) return { ...general?.parts, ...special.parts };
  const { tunnel, proxyProtocol, retryBudget } = general?.parts ?? {};
  return {
    ...(tunnel && { tunnel }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(retryBudget && { retryBudget }),
    ...special.parts,
  };
}

function levelOf(
  policy: TrafficPolicy,
  port: number,
  object: KubernetesObject,
  path: Path,
): { readonly parts: EffectivePolicy; readonly isPortLevel: boolean } {
  const { portLevelSettings = [], ...parts } = policy;
  const index = portLevelSettings.findIndex((settings) => settings.port.number === port);
  if (index < 0) return { parts: sourced(parts, object, path), isPortLevel: false };
  const { port: _port, ...settings } = portLevelSettings[index]!;
  return { parts: sourced(settings, object, [...path, "portLevelSettings", index]), isPortLevel: true };
}

function sourced(parts: object, object: KubernetesObject, path: Path): EffectivePolicy {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([name, value]: [string, unknown]) =>
      value === undefined ? [] : [[name, { value, ...fieldOf(object, ...path, name) }]],
    ),
  );
}
