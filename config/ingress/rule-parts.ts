// What annotations add to the rules of their Ingress, and how a rule is put together of it.
import type { RouteInput } from "../kubernetes/model-parts.ts";

export type RuleInput = RouteInput["rules"][number];
export type FilterInput = NonNullable<RuleInput["filters"]>[number];
export type MatchInput = NonNullable<RuleInput["matches"]>[number];
export type SecurityPolicyInput = NonNullable<RouteInput["securityPolicy"]>;

export type Modifier = Extract<FilterInput, { type: "RequestHeaderModifier" }>["requestHeaderModifier"];
type UrlRewrite = Extract<FilterInput, { type: "URLRewrite" }>["urlRewrite"];

/** Everything of a rule but its matches and backends. */
export type RulePolicies = Omit<RuleInput, "matches" | "backendRefs" | "filters" | "name" | "priority">;

/** Filters of one type that several annotations ask for are joined: a rule has one of each. */
export function joinFilters(filters: readonly FilterInput[]): FilterInput[] {
  const joined: FilterInput[] = [];
  for (const filter of filters) {
    const index = joined.findIndex(({ type }) => type === filter.type && type !== "RequestMirror");
    if (index < 0) joined.push(filter);
    else joined[index] = joinTwo(joined[index]!, filter);
  }
  return joined;
}

function joinTwo(first: FilterInput, second: FilterInput): FilterInput {
  if (first.type === "RequestHeaderModifier" && second.type === first.type) {
    const { requestHeaderModifier } = first;
    return {
      ...first,
      requestHeaderModifier: joinModifiers(requestHeaderModifier, second.requestHeaderModifier),
    };
  }
  if (first.type === "ResponseHeaderModifier" && second.type === first.type) {
    const { responseHeaderModifier } = first;
    return {
      ...first,
      responseHeaderModifier: joinModifiers(responseHeaderModifier, second.responseHeaderModifier),
    };
  }
  if (first.type === "URLRewrite" && second.type === first.type) {
    return { ...first, urlRewrite: { ...second.urlRewrite, ...first.urlRewrite } satisfies UrlRewrite };
  }
  return first;
}

/** The first word on a header counts. */
export function joinModifiers(first: Modifier, second: Modifier): Modifier {
  const isNew =
    <T extends { readonly name: string }>(list: readonly T[] = []) =>
    ({ name }: { readonly name: string }): boolean =>
      !list.some((other) => other.name.toLowerCase() === name.toLowerCase());
  const set = [...(first.set ?? []), ...(second.set ?? []).filter(isNew(first.set))];
  const setFrom = [...(first.setFrom ?? []), ...(second.setFrom ?? []).filter(isNew(first.setFrom))];
  const add = [...(first.add ?? []), ...(second.add ?? [])];
  const addFrom = [...(first.addFrom ?? []), ...(second.addFrom ?? [])];
  const replace = [...(first.replace ?? []), ...(second.replace ?? [])];
  const remove = [...new Set([...(first.remove ?? []), ...(second.remove ?? [])])];
  return {
    ...(replace.length > 0 && { replace }),
    ...(set.length > 0 && { set }),
    ...(setFrom.length > 0 && { setFrom }),
    ...(add.length > 0 && { add }),
    ...(addFrom.length > 0 && { addFrom }),
    ...(remove.length > 0 && { remove }),
  };
}

/** All conditions together. A second one on path or network goes under `and`. */
export function joinMatches(matches: readonly MatchInput[]): MatchInput {
  const paths = matches.flatMap(({ path }) => (path ? [path] : []));
  const networks = matches.flatMap(({ clientCIDRs }) => (clientCIDRs ? [clientCIDRs] : []));
  const method = matches.find((match) => match.method)?.method;
  const lists = (["headers", "queryParams", "cookies", "not"] as const).map((list) => {
    const joined = matches.flatMap((match): unknown[] => match[list] ?? []);
    return joined.length > 0 ? { [list]: joined } : {};
  });
  const and = [
    ...paths.slice(1).map((path) => ({ path })),
    ...networks.slice(1).map((clientCIDRs) => ({ clientCIDRs })),
  ];
  return Object.assign(
    {},
    paths[0] && { path: paths[0] },
    method && { method },
    ...lists,
    networks[0] && { clientCIDRs: networks[0] },
    and.length > 0 && { and },
  ) as MatchInput;
}
