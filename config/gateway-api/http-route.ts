// HTTPRoute → rules of the model: the same names and the same meaning, apart from references.
import type { RouteInput } from "../kubernetes/model-parts.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import { externalAuth } from "./external-auth.ts";
import type { CookieMatch } from "./extension.ts";
import { translateFilters } from "./http-filters.ts";
import type { RouteVerdict } from "./route-verdict.ts";
import type { HttpFilter } from "./schema/filter.ts";
import type { BackendRef, HttpMatch, HttpRoute, HttpRule, SessionPersistence } from "./schema/route-kinds.ts";
import { sessionPersistence } from "./session-persistence.ts";

export type RuleInput = RouteInput["rules"][number];
type MatchInput = NonNullable<RuleInput["matches"]>[number];
type BackendRefInput = NonNullable<RuleInput["backendRefs"]>[number];

export interface TranslatedRule {
  readonly rule: RuleInput;
  /** Of `spec.rules`. */
  readonly index: number;
  readonly field: ObjectField;
}

export function translateHttpRules(route: HttpRoute, verdict: RouteVerdict, notes: Notes): TranslatedRule[] {
  return route.body.spec.rules.map((rule, index) => {
    const field = fieldOf(route.object, "spec", "rules", index);
    return { rule: translateRule(rule, field, verdict, notes), index, field };
  });
}

function translateRule(rule: HttpRule, field: ObjectField, verdict: RouteVerdict, notes: Notes): RuleInput {
  const access = externalAuth(rule.filters, within(field, "filters"), verdict);
  const cookies = cookiesOf(rule.filters, verdict);
  const targets = translateTargets(rule, field, verdict, access !== undefined);
  const matches = (rule.matches.length > 0 || cookies.length === 0 ? rule.matches : [everything]).map(
    (match, index) => ({
      ...translateMatch(match, within(field, "matches", index), notes),
      ...(cookies.length > 0 && { cookies }),
    }),
  );
  return {
    ...ruleName(rule.name),
    ...(matches.length > 0 && { matches }),
    ...targets,
    ...access,
    ...(rule.timeouts && { timeouts: rule.timeouts }),
    ...(rule.retry && { retry: rule.retry }),
    ...translateSession(rule.sessionPersistence, targets, field, verdict, notes),
  };
}

/** What requests must carry besides, as the filters of an extension ask. */
function cookiesOf(filters: readonly HttpFilter[], verdict: RouteVerdict): CookieMatch[] {
  return filters.flatMap(({ extensionRef }) => {
    const found = extensionRef && verdict.extension(extensionRef);
    return found && "cookies" in found ? found.cookies : [];
  });
}

const everything: HttpMatch = { path: { type: "PathPrefix", value: "/" }, headers: [], queryParams: [] };

/** The model's names start with a letter, so that they cannot be taken for an index. */
export function ruleName(name: string | undefined): { name?: string } {
  if (name === undefined) return {};
  return { name: /^[0-9]/.test(name) ? `rule-${name}` : name };
}

/** The rule's own, or else that of a policy of the Services to which it leads. */
export function translateSession(
  session: SessionPersistence | undefined,
  { backendRefs = [] }: Pick<RuleInput, "backendRefs">,
  field: ObjectField,
  verdict: RouteVerdict,
  notes: Notes,
): Pick<RuleInput, "sessionPersistence"> {
  if (session) {
    return { sessionPersistence: sessionPersistence(session, within(field, "sessionPersistence"), notes) };
  }
  const names = backendRefs.map(({ name }) => name);
  const found = verdict.sessionOf(names, within(field, "backendRefs"));
  if (!found) return {};
  const origin = within(found.policy, "sessionPersistence");
  return { sessionPersistence: sessionPersistence(found.session, origin, notes) };
}

interface Targets {
  readonly filters: readonly HttpFilter[];
  readonly backendRefs: readonly (BackendRef & { readonly filters: readonly HttpFilter[] })[];
}

/** Filters and references of a rule. Where a filter cannot be had, or `mayPass` is false, the answer is 500. */
export function translateTargets(
  { filters, backendRefs }: Targets,
  field: ObjectField,
  verdict: RouteVerdict,
  mayPass = true,
): Pick<RuleInput, "filters" | "backendRefs"> {
  const translated = translateFilters(filters, within(field, "filters"), verdict);
  const ofRule = mayPass ? translated : undefined;
  const refs = backendRefs.map((ref, index): BackendRefInput => {
    const at = within(field, "backendRefs", index);
    const name = verdict.backend(ref, at);
    const ofRef = translateFilters(ref.filters, within(at, "filters"), verdict);
    if (name === undefined || !ofRef || !ofRule) return { name: null, weight: ref.weight };
    const fallback = verdict.isFallback(name) && { fallback: true };
    return { name, weight: ref.weight, ...(ofRef.length > 0 && { filters: ofRef }), ...fallback };
  });
  if (!ofRule) return { backendRefs: refs.length > 0 ? refs : [{ name: null }] };
  // An extension's answer goes before any backend.
  const isAnswered = ofRule.some(({ type }) => type === "DirectResponse");
  return {
    ...(ofRule.length > 0 && { filters: ofRule }),
    ...(refs.length > 0 && !isAnswered && { backendRefs: refs }),
  };
}

function translateMatch(match: HttpMatch, field: ObjectField, notes: Notes): MatchInput {
  return {
    ...match,
    headers: firstOfEach(match.headers, (name) => name.toLowerCase(), within(field, "headers"), notes),
    queryParams: firstOfEach(match.queryParams, (name) => name, within(field, "queryParams"), notes),
  };
}

/** HTTPHeaderMatch, HTTPQueryParamMatch: of several with one name the first counts, the others are ignored. */
export function firstOfEach<T extends { readonly name: string }>(
  conditions: readonly T[],
  keyOf: (name: string) => string,
  field: ObjectField,
  notes: Notes,
): T[] {
  const seen = new Set<string>();
  return conditions.filter(({ name }, index) => {
    const key = keyOf(name);
    if (!seen.has(key)) return seen.add(key);
    const message = `only the first condition on ${name} counts`;
    notes.add(within(field, index), { code: "statement-ignored", message });
    return false;
  });
}

/** A field of a field. */
export function within({ object, path }: ObjectField, ...steps: (string | number)[]): ObjectField {
  return { object, path: [...path, ...steps] };
}
