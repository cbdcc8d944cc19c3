// A rule's or backendRef's filters, computed once per snapshot into what each stage of a request looks up.
import type { Filter } from "#contract/http-route.ts";
import { compileHeaderOperations, type HeaderOperation } from "./header-operations.ts";
import { compilePathReplacement, type PathReplacement } from "./path-replacement.ts";
import { compileRedirect, type RedirectPlan } from "./redirect.ts";

/** Every part is absent when no filter asks for it, so an empty plan costs nothing. */
export interface FilterPlan {
  /** For `applyHeaderOperations` on the request to the endpoint. */
  readonly requestHeaders?: readonly HeaderOperation[];
  /** For `applyHeaderOperations` on the response to the client. */
  readonly responseHeaders?: readonly HeaderOperation[];
  /** For `redirectLocation`; the request goes no further. */
  readonly redirect?: RedirectPlan;
  readonly rewrite?: RewritePlan;
}

export interface RewritePlan {
  /** New Host of the request, lower case. */
  readonly hostname?: string;
  /** New path, from the request's normalised path and `RuleMatch.prefixChars`. The query stays. */
  readonly path?: PathReplacement;
}

const emptyPlan: FilterPlan = {};

/** Never throws. Of several redirects the first counts, and so of several rewrites of the host or of the path. */
export function compileFilters(filters: readonly Filter[]): FilterPlan {
  return filters.map(compileFilter).reduce(mergeInOrder, emptyPlan);
}

function compileFilter(filter: Filter): FilterPlan {
  switch (filter.type) {
    case "RequestHeaderModifier":
      return { requestHeaders: compileHeaderOperations(filter.requestHeaderModifier) };
    case "ResponseHeaderModifier":
      return { responseHeaders: compileHeaderOperations(filter.responseHeaderModifier) };
    case "RequestRedirect":
      return { redirect: compileRedirect(filter.requestRedirect) };
    case "URLRewrite": {
      const { hostname, path } = filter.urlRewrite;
      return {
        rewrite: {
          ...(hostname && { hostname: hostname.toLowerCase() }),
          ...(path && { path: compilePathReplacement(path) }),
        },
      };
    }
  }
}

function mergeInOrder(before: FilterPlan, after: FilterPlan): FilterPlan {
  const requestHeaders = [...(before.requestHeaders ?? []), ...(after.requestHeaders ?? [])];
  const responseHeaders = [...(before.responseHeaders ?? []), ...(after.responseHeaders ?? [])];
  const rewrite = { ...after.rewrite, ...before.rewrite };
  const redirect = before.redirect ?? after.redirect;
  return {
    ...(requestHeaders.length > 0 && { requestHeaders }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
    ...(redirect && { redirect }),
    ...((rewrite.hostname || rewrite.path) && { rewrite }),
  };
}

/**
 * The plan for a request that goes to one backendRef: request fields change on the way down (rule, then backendRef),
 * response fields on the way up (backendRef, then rule); where only one can win, the backendRef's does. To be computed
 * once per snapshot.
 */
export function combinePlans(rule: FilterPlan, backendRef: FilterPlan): FilterPlan {
  if (Object.keys(backendRef).length === 0) return rule;
  const responseHeaders = [...(backendRef.responseHeaders ?? []), ...(rule.responseHeaders ?? [])];
  const { requestHeaders } = mergeInOrder(rule, backendRef);
  return {
    ...mergeInOrder(backendRef, rule),
    ...(requestHeaders && { requestHeaders }),
    ...(responseHeaders.length > 0 && { responseHeaders }),
  };
}
