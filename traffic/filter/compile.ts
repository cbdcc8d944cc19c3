// A rule's or backendRef's filters, computed once per snapshot into what each stage of a request looks up.
import { durationMs } from "#contract/duration.ts";
import type { Filter } from "#contract/http-route.ts";
import { compileCors, type CorsPlan } from "./cors.ts";
import { compileFault, type FaultPlan } from "./fault.ts";
import {
  compileHeaderOperations,
  compileResponseOperations,
  type HeaderOperation,
} from "./header-operations.ts";
import {
  compileDirectResponse,
  compileResponseOverrides,
  type LocalResponse,
  type ResponseOverridePlan,
} from "./local-response.ts";
import { compileMirror, type MirrorPlan } from "./mirror.ts";
import { compilePathReplacement, type PathReplacement } from "./path-replacement.ts";
import { compileRedirect, type RedirectPlan } from "./redirect.ts";
import { compileTarget, type TargetReplacement } from "./target.ts";

/** Every part is absent when no filter asks for it, so an empty plan costs nothing. */
export interface FilterPlan {
  /** For `applyHeaderOperations` on the request to the endpoint. */
  readonly requestHeaders?: readonly HeaderOperation[];
  /** For `applyHeaderOperations` on the response to the client. */
  readonly responseHeaders?: readonly HeaderOperation[];
  /** For `redirectLocation`; the request goes no further. */
  readonly redirect?: RedirectPlan;
  readonly rewrite?: RewritePlan;
  /** For `pickMirrors`. */
  readonly mirrors?: readonly MirrorPlan[];
  /** For `isPreflight`, `preflightHeaders` and `applyCors`. */
  readonly cors?: CorsPlan;
  /** The answer; the request goes no further. */
  readonly directResponse?: LocalResponse;
  /** The statistics answer; the request goes no further. */
  readonly statistics?: StatisticsPlan;
  /** Answers that stand for those of some statuses. */
  readonly responseOverrides?: ResponseOverridePlan;
  /** For `decideFault`. */
  readonly fault?: FaultPlan;
}

export interface StatisticsPlan {
  /** 0: the page does not renew itself. */
  readonly refreshS: number;
  readonly format: "Page" | "Prometheus";
}

export interface RewritePlan {
  /** New Host of the request, lower case. */
  readonly hostname?: string;
  /** New path, from the request's normalised path and `RuleMatch.prefixChars`. The query stays. */
  readonly path?: PathReplacement;
  /** New path and query, in place of `path`. */
  readonly target?: TargetReplacement;
}

const emptyPlan: FilterPlan = {};

/**
 * Never throws. Header operations and mirrors add up; of the other parts the first of a kind counts (host and path of a
 * rewrite each on its own).
 */
export function compileFilters(filters: readonly Filter[]): FilterPlan {
  return filters.map(compileFilter).reduce(mergeInOrder, emptyPlan);
}

function compileFilter(filter: Filter): FilterPlan {
  switch (filter.type) {
    case "RequestHeaderModifier":
      return { requestHeaders: compileHeaderOperations(filter.requestHeaderModifier) };
    case "ResponseHeaderModifier":
      return { responseHeaders: compileResponseOperations(filter.responseHeaderModifier) };
    case "RequestRedirect":
      return { redirect: compileRedirect(filter.requestRedirect) };
    case "URLRewrite": {
      const { hostname, path, target } = filter.urlRewrite;
      return {
        rewrite: {
          ...(hostname && { hostname: hostname.toLowerCase() }),
          ...(path && { path: compilePathReplacement(path) }),
          ...(target && { target: compileTarget(target) }),
        },
      };
    }
    case "RequestMirror":
      return { mirrors: [compileMirror(filter.requestMirror)] };
    case "CORS":
      return { cors: compileCors(filter.cors) };
    case "DirectResponse":
      return { directResponse: compileDirectResponse(filter.directResponse) };
    case "ResponseOverride":
      return { responseOverrides: compileResponseOverrides(filter.responseOverride) };
    case "Statistics": {
      const { refresh, format = "Page" } = filter.statistics;
      const refreshS = refresh === undefined ? 0 : Math.ceil(durationMs(refresh) / 1_000);
      return { statistics: { refreshS, format } };
    }
    case "FaultInjection":
      return { fault: compileFault(filter.faultInjection) };
  }
}

function mergeInOrder(before: FilterPlan, after: FilterPlan): FilterPlan {
  const requestHeaders = joined(before.requestHeaders, after.requestHeaders);
  const responseHeaders = joined(before.responseHeaders, after.responseHeaders);
  const mirrors = joined(before.mirrors, after.mirrors);
  const rewrite = { ...after.rewrite, ...before.rewrite };
  return {
    ...after,
    ...before,
    ...(requestHeaders && { requestHeaders }),
    ...(responseHeaders && { responseHeaders }),
    ...(mirrors && { mirrors }),
    ...(Object.keys(rewrite).length > 0 && { rewrite }),
  };
}

/**
 * The plan for a request that goes to one backendRef: request fields change on the way down (rule, then backendRef),
 * response fields on the way up (backendRef, then rule); where only one can win, the backendRef's does. To be computed
 * once per snapshot.
 */
export function combinePlans(rule: FilterPlan, backendRef: FilterPlan): FilterPlan {
  if (Object.keys(backendRef).length === 0) return rule;
  const requestHeaders = joined(rule.requestHeaders, backendRef.requestHeaders);
  return { ...mergeInOrder(backendRef, rule), ...(requestHeaders && { requestHeaders }) };
}

function joined<T>(
  first: readonly T[] | undefined,
  second: readonly T[] | undefined,
): readonly T[] | undefined {
  if (!first?.length) return second?.length ? second : undefined;
  return second?.length ? [...first, ...second] : first;
}
