// Filters that cannot work together (Gateway API, HTTPRouteRule.filters).
import type { Filter } from "#contract/http-route.ts";
import type { NativeRule } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import { answersRequests } from "../rule.ts";
import type { Check } from "./check.ts";

export const filterCombinations: Check = (config, report) => {
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex];
      checkFilters(rule.filters, rule, [...path, "filters"], report);
      for (const [refIndex, ref] of rule.backendRefs.entries()) {
        checkFilters(ref.filters, rule, [...path, "backendRefs", refIndex, "filters"], report);
      }
      const answering = rule.filters.findIndex(answersRequests);
      if (answering >= 0 && rule.backendRefs.length > 0) {
        report.add({
          code: "filter-conflict",
          path: [...path, "filters", answering],
          message: `${rule.filters[answering]!.type} answers every request of this rule, so its backendRefs would get none`,
          remedy: "Remove the backendRefs, or move the filter to a rule of its own.",
        });
      }
    }
  }
};

function checkFilters(filters: readonly Filter[], rule: NativeRule, path: Path, report: Report): void {
  const seen = new Set<Filter["type"]>();
  // Responses may be changed under conditions, and what has been changed be rewritten or told, one filter after the other.
  const isInTurn = filters.some((filter) => {
    if (filter.type !== "ResponseHeaderModifier") return false;
    const { statusCodes, responseHeaders, not, replace, setFrom, addFrom } = filter.responseHeaderModifier;
    return (statusCodes ?? responseHeaders ?? not ?? replace ?? setFrom ?? addFrom) !== undefined;
  });
  for (const [index, filter] of filters.entries()) {
    const { type } = filter;
    // Gateway API: a request may be mirrored to several backends.
    const mayRepeat = type === "RequestMirror" || (type === "ResponseHeaderModifier" && isInTurn);
    if (seen.has(type) && !mayRepeat) {
      const message = `a second ${type} filter; expected at most one of each type`;
      report.add({
        code: "filter-conflict",
        path: [...path, index],
        message,
        remedy: "Join them into one.",
      });
    }
    seen.add(type);
    checkPrefix(filter, rule, [...path, index], report);
  }
  if (seen.has("RequestRedirect") && seen.has("URLRewrite")) {
    const message =
      "RequestRedirect and URLRewrite exclude each other: a redirected request goes to no backend";
    report.add({ code: "filter-conflict", path, message, remedy: "Remove one of them." });
  }
}

/** ReplacePrefixMatch has to know the prefix. */
function checkPrefix(filter: Filter, rule: NativeRule, path: Path, report: Report): void {
  const [field, modifier] =
    filter.type === "URLRewrite"
      ? (["urlRewrite", filter.urlRewrite.path] as const)
      : filter.type === "RequestRedirect"
        ? (["requestRedirect", filter.requestRedirect.path] as const)
        : [];
  if (modifier?.type !== "ReplacePrefixMatch") return;
  const other = rule.matches.find((match) => match.path.type !== "PathPrefix");
  if (!other) return;
  report.add({
    code: "filter-prefix-missing",
    path: [...path, field!, "path"],
    message: `ReplacePrefixMatch needs PathPrefix matches, but this rule also matches ${other.path.type} ${JSON.stringify(other.path.value)}`,
    remedy: "Use ReplaceFullPath, or split the rule.",
  });
}
