// What changed between two snapshots, rule by rule and in words: what was added, removed, and became of the others.
import { changedFields } from "./changed-fields.ts";
import { canonicalJson } from "#contract/canonical-json.ts";
import type { Snapshot, SnapshotRoute, SnapshotRule } from "#contract/snapshot.ts";
import type { RouteMatch } from "#contract/http-route.ts";

export interface RuleChange {
  readonly kind: "added" | "removed" | "changed";
  /** Id of the rule; for a changed one, that of the newer snapshot. */
  readonly rule: string;
  /** `GET /orders/* on api.example.com -> orders-v1 90, orders-v2 10`. */
  readonly text: string;
  /** For changed rules: each field in words. */
  readonly details: readonly string[];
}

/** In the order of route names and rules; what was removed stands where it was. */
export function diffRules(from: Snapshot, to: Snapshot): RuleChange[] {
  const [before, after] = [routesByName(from), routesByName(to)];
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name) => diffRoute(before.get(name), after.get(name)));
}

function routesByName({ routes }: Snapshot): Map<string, SnapshotRoute> {
  return new Map(routes.map((route) => [route.name, route]));
}

function diffRoute(before: SnapshotRoute | undefined, after: SnapshotRoute | undefined): RuleChange[] {
  const pairs = pairRules(before?.rules ?? [], after?.rules ?? []);
  const sameHosts = before && after && hostsOf(before) === hostsOf(after);
  return pairs.flatMap(({ old, now }): RuleChange[] => {
    if (!now) return [{ kind: "removed", rule: old!.id, text: ruleText(old!, before!), details: [] }];
    if (!old) return [{ kind: "added", rule: now.id, text: ruleText(now, after!), details: [] }];
    const details = [
      ...(sameHosts ? [] : [`hosts: ${hostsOf(before!)} -> ${hostsOf(after!)}`]),
      ...(canonicalJson(before!.listeners) === canonicalJson(after!.listeners)
        ? []
        : [`listeners: ${before!.listeners.join(", ")} -> ${after!.listeners.join(", ")}`]),
      ...fieldDetails(old, now),
      ...fieldDetails({ securityPolicy: before!.securityPolicy }, { securityPolicy: after!.securityPolicy }),
    ];
    return details.length === 0
      ? []
      : [{ kind: "changed", rule: now.id, text: ruleText(now, after!), details }];
  });
}

interface Pair {
  readonly old: SnapshotRule | undefined;
  readonly now: SnapshotRule | undefined;
}

/**
 * Which rule became which: by name; those without one by their content, then by their matches, then by their order, for
 * a rule that was put in front of others changes none of them.
 */
function pairRules(before: readonly SnapshotRule[], after: readonly SnapshotRule[]): Pair[] {
  const partner = new Map<SnapshotRule, SnapshotRule>();
  const left = new Set(before);
  const keys: ((rule: SnapshotRule) => string | undefined)[] = [
    ({ id }) => (/\/[0-9]+$/.test(id) ? undefined : id),
    ({ id: _id, ...rest }) => canonicalJson(rest),
    ({ matches }) => canonicalJson(matches),
    ({ id }) => id,
  ];
  for (const keyOf of keys) {
    const byKey = Map.groupBy(left, (rule) => keyOf(rule));
    for (const now of after) {
      if (partner.has(now)) continue;
      const key = keyOf(now);
      const old = key === undefined ? undefined : byKey.get(key)?.shift();
      if (!old) continue;
      partner.set(now, old);
      left.delete(old);
    }
  }
  const pairs: Pair[] = after.map((now) => ({ old: partner.get(now), now }));
  return [...[...left].map((old) => ({ old, now: undefined })), ...pairs];
}

function fieldDetails(old: object, now: object): string[] {
  const [before, after] = [old, now] as [Record<string, unknown>, Record<string, unknown>];
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  fields.delete("id");
  return [...fields].flatMap((field) => {
    if (canonicalJson(before[field] ?? null) === canonicalJson(after[field] ?? null)) return [];
    const text = wholeText[field];
    if (!text) return changedFields(field, before[field], after[field]);
    return [`${field}: ${text(before[field])} -> ${text(after[field])}`];
  });
}

/** Fields that are told as a whole. */
const wholeText: Readonly<Record<string, (value: unknown) => string>> = {
  matches: (value) => (value as RouteMatch[]).map(matchText).join(" or "),
  backendRefs: (value) => refsText(value as SnapshotRule["backendRefs"]),
};

function ruleText(rule: SnapshotRule, route: SnapshotRoute): string {
  const answers = rule.filters.find(({ type }) =>
    ["RequestRedirect", "DirectResponse", "Statistics"].includes(type),
  );
  const target = answers ? answers.type : refsText(rule.backendRefs);
  return `${rule.matches.map(matchText).join(" or ")} on ${hostsOf(route)} -> ${target}`;
}

function refsText(refs: SnapshotRule["backendRefs"]): string {
  if (refs.length === 0) return "no backend";
  const [only] = refs;
  if (refs.length === 1 && only!.weight > 0) return only!.backend ?? "an invalid backend";
  return refs
    .map(({ backend, weight, fallback }) => {
      const name = `${backend ?? "an invalid backend"} ${weight}`;
      return fallback ? `${name} as fallback` : name;
    })
    .join(", ");
}

function hostsOf({ hostnames }: SnapshotRoute): string {
  return hostnames.join(", ") || "every host";
}

const pathText = {
  Exact: (value: string) => value,
  PathPrefix: (value: string) => `${value.replace(/\/$/, "")}/*`,
  RegularExpression: (value: string) => `~ ${value}`,
};

function matchText({ path, method, headers, queryParams, ...others }: RouteMatch): string {
  const conditions = [
    ...headers.map(({ name, type, value }) => `header ${name}${conditionText(type, value)}`),
    ...queryParams.map(({ name, type, value }) => `query ${name}${conditionText(type, value)}`),
    ...Object.entries(others).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${JSON.stringify(value)}`],
    ),
  ];
  const head = `${method === undefined ? "" : `${method} `}${pathText[path.type](path.value)}`;
  return conditions.length === 0 ? head : `${head} (${conditions.join(", ")})`;
}

function conditionText(type: string, value: string): string {
  if (type === "Present" || type === "Absent") return ` ${type.toLowerCase()}`;
  return type === "RegularExpression" ? ` ~ ${value}` : ` = ${value}`;
}
