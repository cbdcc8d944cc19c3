// Filters of one type → one filter: a rule of the model has at most one of each, while extensions add theirs to the route's.
import type { FilterInput } from "./http-filters.ts";

type Modifier = Extract<FilterInput, { type: "RequestHeaderModifier" }>["requestHeaderModifier"];

/** In the order in which the first of each type came; of what only one can say, the first counts. */
export function joinFilters(filters: readonly FilterInput[]): FilterInput[] {
  const joined: FilterInput[] = [];
  for (const filter of filters) {
    const index = joined.findIndex(({ type }) => type === filter.type);
    const both = index >= 0 ? joinTwo(joined[index]!, filter) : undefined;
    if (both) joined[index] = both;
    else joined.push(filter);
  }
  return joined;
}

/** `undefined`: they stand beside each other. */
function joinTwo(first: FilterInput, second: FilterInput): FilterInput | undefined {
  if (first.type === "RequestHeaderModifier" && second.type === first.type) {
    return {
      ...first,
      requestHeaderModifier: both(first.requestHeaderModifier, second.requestHeaderModifier),
    };
  }
  if (first.type === "ResponseHeaderModifier" && second.type === first.type) {
    return {
      ...first,
      responseHeaderModifier: both(first.responseHeaderModifier, second.responseHeaderModifier),
    };
  }
  if (first.type === "URLRewrite" && second.type === first.type) {
    return { ...first, urlRewrite: { ...second.urlRewrite, ...first.urlRewrite } };
  }
  if (first.type === "ResponseOverride" && second.type === first.type) {
    return { ...first, responseOverride: [...first.responseOverride, ...second.responseOverride] };
  }
  return undefined;
}

function both(first: Modifier, second: Modifier): Modifier {
  const set = [...(first.set ?? []), ...(second.set ?? [])];
  const add = [...(first.add ?? []), ...(second.add ?? [])];
  const remove = [...(first.remove ?? []), ...(second.remove ?? [])];
  return {
    ...(set.length > 0 && { set }),
    ...(add.length > 0 && { add }),
    ...(remove.length > 0 && { remove }),
  };
}
