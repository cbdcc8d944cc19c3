// VirtualServices → routes of the model. For one host Istio puts the rules of all VirtualServices in a row, the oldest
// object's first and whatever takes every request last; the first that matches wins.
import { limits } from "#contract/limits.ts";
import type { ModelParts } from "../../kubernetes/model-parts.ts";
import { fieldOf } from "../../kubernetes/notes.ts";
import type { ObjectField } from "../../kubernetes/object.ts";
import { withPriorities } from "../../ordered-rules.ts";
import type { VirtualService } from "../kinds/virtual-service.ts";
import type { OrderedRule } from "./rules.ts";

/** The rules of a VirtualService at one listener, with the hosts that they are for there. */
export interface Slice {
  readonly service: VirtualService;
  readonly listener: string;
  /** `*`: every one. */
  readonly hosts: readonly string[];
  readonly rules: readonly OrderedRule[];
}

interface Part {
  readonly service: VirtualService;
  readonly listeners: string[];
  readonly hosts: readonly string[];
  readonly rules: readonly OrderedRule[];
}

/** `slices`: those of older objects first. */
export function addRoutes(slices: readonly Slice[], parts: ModelParts): void {
  const merged = new Map<string, Part>();
  for (const [listener, own] of Map.groupBy(slices, (slice) => slice.listener)) {
    for (const part of partsAt(listener, own)) {
      const key = JSON.stringify([
        part.service.object.name,
        part.service.namespace,
        part.hosts,
        part.rules.map(({ rule }) => rule),
      ]);
      const same = merged.get(key);
      if (same) same.listeners.push(...part.listeners);
      else merged.set(key, part);
    }
  }
  const counts = new Map<string, number>();
  for (const part of merged.values()) addPart(part, counts, parts);
}

/** Hosts with the same slices are served alike. */
function partsAt(listener: string, slices: readonly Slice[]): Part[] {
  const byHost = new Map<string, Slice[]>();
  for (const slice of slices) {
    for (const host of slice.hosts) {
      const list = byHost.get(host);
      if (list) list.push(slice);
      else byHost.set(host, [slice]);
    }
  }
  const ids = new Map(slices.map((slice, index) => [slice, index]));
  // A route for every host ranks behind those for some: it stands alone.
  const groups = Map.groupBy(byHost, ([host, list]) =>
    [host === "*", ...list.map((slice) => ids.get(slice))].join(),
  );
  return [...groups.values()].flatMap((group) => {
    const hosts = group.map(([host]) => host);
    return ranked(group[0]![1]).map(({ service, rules }) => ({
      service,
      listeners: [listener],
      hosts,
      rules,
    }));
  });
}

/** Rules with priorities where specificity would decide otherwise, each with the object that it comes from. */
function ranked(slices: readonly Slice[]): Pick<Slice, "service" | "rules">[] {
  const all = slices.flatMap(({ service, rules }) => rules.map((ordered) => ({ service, ordered })));
  const inOrder = [
    ...all.filter(({ ordered }) => !ordered.isCatchAll),
    ...all.filter(({ ordered }) => ordered.isCatchAll),
  ];
  if (inOrder.length === 0) return [{ service: slices[0]!.service, rules: [notFound(slices[0]!.service)] }];
  const isOneRoute = slices.length === 1 && inOrder.length <= limits.rulesPerRoute;
  const rules = withPriorities(
    inOrder.map(({ ordered }) => ordered.rule),
    isOneRoute,
  );
  const byService = Map.groupBy(
    inOrder.map(({ service, ordered }, index) => ({ service, ordered: { ...ordered, rule: rules[index]! } })),
    ({ service }) => service,
  );
  return [...byService].map(([service, list]) => ({ service, rules: list.map(({ ordered }) => ordered) }));
}

/** Stands for rules of which none can match at the listener, such as those for another scheme. */
function notFound({ object }: VirtualService): OrderedRule {
  const filter = { type: "DirectResponse" as const, directResponse: { statusCode: 404 } };
  return { rule: { filters: [filter] }, origin: fieldOf(object, "spec", "http"), isCatchAll: true };
}

function addPart(
  { service, listeners, hosts, rules }: Part,
  counts: Map<string, number>,
  parts: ModelParts,
): void {
  const hostnames = hosts.includes("*") ? [] : [...hosts];
  for (let host = 0; host === 0 || host < hostnames.length; host += limits.hostnamesPerRoute) {
    for (let start = 0; start < rules.length; start += limits.rulesPerRoute) {
      const chunk = rules.slice(start, start + limits.rulesPerRoute);
      const own = hostnames.slice(host, host + limits.hostnamesPerRoute);
      parts.addRoute(
        {
          name: routeName(`istio/${service.namespace}/${service.name}`, counts),
          ...(service.creationTimestamp !== undefined && { creationTimestamp: service.creationTimestamp }),
          listeners,
          ...(own.length > 0 && { hostnames: own }),
          rules: withOwnNames(chunk),
        },
        fieldOf(service.object, "spec"),
        chunk.map(({ origin }): ObjectField => origin),
      );
    }
  }
}

function routeName(base: string, counts: Map<string, number>): string {
  const count = (counts.get(base) ?? 0) + 1;
  counts.set(base, count);
  return count === 1 ? base : `${base}/${count}`;
}

/** Istio does not mind two routes of one name. */
function withOwnNames(rules: readonly OrderedRule[]): OrderedRule["rule"][] {
  const taken = new Set<string>();
  return rules.map(({ rule }) => {
    const { name, ...unnamed } = rule;
    if (name === undefined) return rule;
    if (taken.has(name)) return unnamed;
    taken.add(name);
    return rule;
  });
}
