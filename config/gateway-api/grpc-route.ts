// GRPCRoute → rules of the model: a call is a POST to `/<service>/<method>` (gRPC over HTTP/2, Requests).
import type { Notes } from "../kubernetes/notes.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import {
  firstOfEach,
  ruleName,
  translateSession,
  translateTargets,
  within,
  type RuleInput,
  type TranslatedRule,
} from "./http-route.ts";
import type { RouteVerdict } from "./route-verdict.ts";
import type { GrpcMatch, GrpcRoute, GrpcRule } from "./schema/route-kinds.ts";

type MatchInput = NonNullable<RuleInput["matches"]>[number];

/**
 * GRPCRouteRule, precedence: the longest service, then the longest method. Of the model's matches a regular expression
 * goes before a prefix, so those without a service have a priority below the others.
 */
const priorities = { service: 0, methodOnly: -1, everyCall: -2 } as const;
type Rank = keyof typeof priorities;

/** One rule for each rank that the matches of a rule have: priorities are those of whole rules. */
export function translateGrpcRules(route: GrpcRoute, verdict: RouteVerdict, notes: Notes): TranslatedRule[] {
  return route.body.spec.rules.flatMap((rule, index) => {
    const field = fieldOf(route.object, "spec", "rules", index);
    const targets = translateTargets(rule, field, verdict);
    const session = translateSession(rule.sessionPersistence, targets, field, verdict, notes);
    return ranksOf(rule, field, notes).map(({ rank, matches }, position) => ({
      rule: {
        ...(position === 0 && ruleName(rule.name)),
        matches,
        ...(priorities[rank] !== 0 && { priority: priorities[rank] }),
        ...targets,
        ...session,
      },
      index,
      field,
    }));
  });
}

function ranksOf(rule: GrpcRule, field: ObjectField, notes: Notes): { rank: Rank; matches: MatchInput[] }[] {
  const matches = rule.matches.length > 0 ? rule.matches : [{ headers: [] }];
  const ranked = matches.map((match, index) => ({
    rank: rankOf(match),
    match: translateMatch(match, within(field, "matches", index), notes),
  }));
  return [...Map.groupBy(ranked, ({ rank }) => rank)].map(([rank, group]) => ({
    rank,
    matches: group.map(({ match }) => match),
  }));
}

function rankOf({ method }: Pick<GrpcMatch, "method">): Rank {
  if (!method) return "everyCall";
  return method.service === undefined ? "methodOnly" : "service";
}

function translateMatch(match: GrpcMatch, field: ObjectField, notes: Notes): MatchInput {
  return {
    path: pathOf(match),
    method: "POST",
    headers: firstOfEach(match.headers, (name) => name.toLowerCase(), within(field, "headers"), notes),
  };
}

function pathOf({ method }: GrpcMatch): NonNullable<MatchInput["path"]> {
  if (!method) return { type: "PathPrefix", value: "/" };
  const { type, service, method: name } = method;
  if (type === "Exact" && service !== undefined) {
    return name === undefined
      ? { type: "PathPrefix", value: `/${service}` }
      : { type: "Exact", value: `/${service}/${name}` };
  }
  const element = (text: string | undefined): string => {
    if (text === undefined) return "[^/]+";
    // Names of services and methods have no character that an expression would take for its own, but the dot.
    return type === "Exact" ? text.replaceAll(".", "\\.") : `(?:${text})`;
  };
  return { type: "RegularExpression", value: `/${element(service)}/${element(name)}` };
}
