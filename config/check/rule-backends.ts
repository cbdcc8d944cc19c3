// Rules and backends that no request reaches because of missing references or zero weights.
import { answersRequests, connectionRules, filtersOf } from "../rule.ts";
import type { Check } from "./check.ts";
import { backendsOfFilter } from "#contract/filter-backends.ts";

/** Both cases are valid in the Gateway API, which has them answered 500. */
export const ruleBackends: Check = (config, report) => {
  for (const [routeIndex, route] of config.routes.entries()) {
    for (const [ruleIndex, rule] of route.rules.entries()) {
      const path = ["routes", routeIndex, "rules", ruleIndex];
      if (rule.filters.some(answersRequests)) continue;
      if (rule.backendRefs.length === 0) {
        report.add({
          code: "rule-no-backend",
          path,
          message:
            "the rule has neither backendRefs nor a filter that answers; its requests are answered 500",
          remedy: "Add backendRefs.",
        });
      } else if (rule.backendRefs.every((ref) => ref.weight === 0)) {
        report.add({
          code: "rule-zero-weight",
          path: [...path, "backendRefs"],
          message: "every backendRef has weight 0; the rule's requests are answered 500",
          remedy: "Give at least one of them a weight.",
        });
      }
    }
  }
};

/** Connections have no status: they are closed at once. */
export const connectionBackends: Check = (config, report) => {
  for (const { path, rule } of connectionRules(config)) {
    const { backendRefs } = rule;
    if (backendRefs.length === 0) {
      const message = "the rule has no backendRefs; its connections are closed at once";
      report.add({ code: "rule-no-backend", path, message, remedy: "Add backendRefs." });
    } else if (backendRefs.every(({ weight }) => weight === 0)) {
      report.add({
        code: "rule-zero-weight",
        path: [...path, "backendRefs"],
        message: "every backendRef has weight 0; the rule's connections are closed at once",
        remedy: "Give at least one of them a weight.",
      });
    }
  }
};

/** A backend that is referred to, but always with weight 0: a canary not yet begun, or one forgotten. */
export const weightedBackends: Check = (config, report) => {
  /** `null` gathers references that lead nowhere. */
  const greatest = new Map<string | null, number>();
  for (const route of config.routes) {
    for (const rule of route.rules) {
      for (const { name, weight } of rule.backendRefs) {
        greatest.set(name, Math.max(weight, greatest.get(name) ?? 0));
      }
      for (const { filter } of filtersOf(rule)) {
        for (const { name } of backendsOfFilter(filter)) greatest.set(name, 1);
      }
    }
  }
  for (const { rule } of connectionRules(config)) {
    for (const { name, weight } of rule.backendRefs) {
      greatest.set(name, Math.max(weight, greatest.get(name) ?? 0));
    }
  }
  for (const [index, { name }] of config.backends.entries()) {
    if (greatest.get(name) !== 0) continue;
    report.add({
      code: "backend-zero-weight",
      path: ["backends", index, "name"],
      message: `backend ${JSON.stringify(name)} gets no traffic: every backendRef to it has weight 0`,
      remedy: "Give one of them a weight, or remove the backend.",
    });
  }
};
