// `authorization`: rules of which the first that matches decides → rules of which Deny goes before Allow.
import type { RuleInput } from "../../gateway-api/extension.ts";
import type { TcpRouteInput } from "../../kubernetes/model-parts.ts";
import { withFields } from "../../with-fields.ts";
import { at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { SecuritySpec } from "../schema/security-policy.ts";

type Authorization = NonNullable<SecuritySpec["authorization"]>;
type Rule = NonNullable<Authorization["rules"]>[number];
type AuthorizationInput = NonNullable<NonNullable<RuleInput["securityPolicy"]>["authorization"]>;
type RuleOutput = NonNullable<AuthorizationInput["rules"]>[number];

export function authorizationOf(authorization: Authorization, place: Place): AuthorizationInput {
  const { defaultAction, rules } = decidingRules(authorization, place);
  return { defaultAction, rules: rules.map(({ rule, index }) => ruleOf(rule, at(place, "rules", index))) };
}

/** Connections have an address and nothing else. */
export function networksOf(
  authorization: Authorization,
  place: Place,
): NonNullable<TcpRouteInput["securityPolicy"]> {
  const { defaultAction, rules } = decidingRules(authorization, place);
  const everyone = ["0.0.0.0/0", "::/0"];
  const networks = (action: Rule["action"]): string[] =>
    rules.flatMap(({ rule, index }) => {
      const { clientCIDRs = everyone, jwt, headers } = rule.principal ?? {};
      if (jwt ?? headers ?? rule.operation) {
        unsupported(at(place, "rules", index), "connections have no requests that a rule could be about");
      }
      return rule.action === action ? clientCIDRs : [];
    });
  const [allow, deny] = [networks("Allow"), networks("Deny")];
  const isNobody = defaultAction === "Deny" && allow.length === 0;
  return {
    clientCIDRs: {
      ...(defaultAction === "Deny" && allow.length > 0 && { allow }),
      ...((isNobody || deny.length > 0) && { deny: isNobody ? everyone : deny }),
    },
  };
}

interface Deciding {
  readonly defaultAction: "Allow" | "Deny";
  readonly rules: readonly { readonly rule: Rule; readonly index: number }[];
}

/** Rules at the end that do what happens anyway decide nothing. */
function decidingRules({ defaultAction = "Deny", rules = [] }: Authorization, place: Place): Deciding {
  const last = rules.findLastIndex(({ action }) => action !== defaultAction);
  const deciding = rules.slice(0, last + 1).map((rule, index) => ({ rule, index }));
  const firstAllow = deciding.findIndex(({ rule }) => rule.action === "Allow");
  const late = deciding.find(
    ({ rule, index }) => rule.action === "Deny" && firstAllow >= 0 && index > firstAllow,
  );
  if (late) {
    const message = "a Deny rule goes before all Allow rules here, and this one is to come after one of them";
    unsupported(
      at(place, "rules", late.index),
      message,
      "Write the Deny rules first, each without those it is not for.",
    );
  }
  return { defaultAction, rules: deciding };
}

function ruleOf({ name, action, principal, operation }: Rule, place: Place): RuleOutput {
  const { clientCIDRs, jwt, headers } = principal ?? {};
  const { methods, path } = operation ?? {};
  const paths = path && [{ type: path.type, value: path.value }];
  for (const [index, { values }] of (headers ?? []).entries())
    refusePatterns(values, at(place, "principal", "headers", index));
  for (const [index, { values }] of (jwt?.claims ?? []).entries())
    refusePatterns(values, at(place, "principal", "jwt", "claims", index));
  const claims = jwt?.claims?.map((claim) => ({ name: claim.name, values: claim.values }));
  const token = jwt && { provider: jwt.provider, ...withFields({ scopes: jwt.scopes, claims }) };
  return {
    ...(name !== undefined && { name: name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 63) }),
    action,
    ...(principal && { principal: withFields({ clientCIDRs, jwt: token, headers }) }),
    ...(operation && {
      operation: withFields({
        methods: methods?.length ? methods : undefined,
        paths: path?.invert ? undefined : paths,
        notPaths: path?.invert ? paths : undefined,
      }),
    }),
  };
}

/** Values are compared as they are by Envoy Gateway; the model takes a star at either end for anything. */
function refusePatterns(values: readonly string[], place: Place): void {
  const starred = values.find((value) => value.startsWith("*") || value.endsWith("*"));
  if (starred !== undefined)
    unsupported(at(place, "values"), `${JSON.stringify(starred)} would stand for other values, too`);
}
