// AuthorizationPolicies that hold at one place → one decision: a Deny rule that matches refuses; where there is an ALLOW
// policy, one of its rules has to match.
import type { Notes } from "../../kubernetes/notes.ts";
import type { AuthorizationPolicy } from "../kinds/security.ts";
import { at, ignored, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { addCondition } from "./condition.ts";
import { addOperation } from "./operation.ts";
import { createDraft, type AuthorizationRule } from "./rule-draft.ts";
import { addSource } from "./source.ts";

export interface Decision {
  defaultAction?: "Deny";
  rules: AuthorizationRule[];
}

/** Nobody passes: what stands for a policy that could not be read. */
export const refusal: Decision = { defaultAction: "Deny", rules: [] };

/** Rules of one policy multiply by sources and operations; the model has so many in a decision. */
export const maxRules = 256;

/** `undefined`: nothing is decided. */
export function decisionOf(
  policies: readonly AuthorizationPolicy[],
  ports: readonly number[],
  notes: Notes,
): Decision | undefined {
  const effective = policies.filter((policy) => isEnforced(policy, notes));
  if (effective.length === 0) return undefined;
  const rules = effective.flatMap((policy) => rulesOf(policy, ports, notes));
  const hasAllow = effective.some(({ body }) => (body.spec?.action ?? "ALLOW") === "ALLOW");
  if (rules.length > maxRules) {
    const place = { notes, object: effective[0]!.object, path: ["spec", "rules"] };
    unsupported(place, `sources and operations multiply to more than ${maxRules} rules`, "Split the policy.");
  }
  const isNobody = hasAllow && !rules.some(({ action }) => action === "Allow");
  return rules.length === 0 && !isNobody ? undefined : { ...(isNobody && { defaultAction: "Deny" }), rules };
}

function isEnforced(policy: AuthorizationPolicy, notes: Notes): boolean {
  const { object, body } = policy;
  const action = body.spec?.action ?? "ALLOW";
  // `custom-action.ts` has these.
  if (action === "CUSTOM") return false;
  if (action !== "AUDIT") return !isDryRun(policy, notes);
  ignored(
    { notes, object, path: ["spec", "action"] },
    "requests are not marked for audit",
    "The access log has them: accessLog.mode: all.",
  );
  return false;
}

export function isDryRun({ object, annotations }: AuthorizationPolicy, notes: Notes): boolean {
  if (annotations["istio.io/dry-run"] !== "true") return false;
  ignored(
    { notes, object, path: ["metadata", "annotations", "istio.io/dry-run"] },
    "Istio does not enforce it either",
  );
  return true;
}

function rulesOf(policy: AuthorizationPolicy, ports: readonly number[], notes: Notes): AuthorizationRule[] {
  const action = policy.body.spec?.action === "DENY" ? "Deny" : "Allow";
  const name = `${policy.namespace}.${policy.name}`.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 60);
  return requestsOf(policy, ports, notes).map((requests) => ({
    ...(/[A-Za-z0-9]$/.test(name) && { name }),
    action,
    ...requests,
  }));
}

/** The requests that a policy's rules are about, for each pair of a source and an operation. */
export function requestsOf(
  { namespace, object, body }: AuthorizationPolicy,
  ports: readonly number[],
  notes: Notes,
): Pick<AuthorizationRule, "principal" | "operation">[] {
  return (body.spec?.rules ?? []).flatMap((rule, index) => {
    const place: Place = { notes, object, path: ["spec", "rules", index] };
    const sources = rule.from?.length ? rule.from.map(({ source }) => source) : [{}];
    const operations = rule.to?.length ? rule.to.map(({ operation }) => operation) : [{}];
    return sources.flatMap((source, from) =>
      operations.flatMap((operation, to) => {
        const draft = createDraft();
        addSource(source, namespace, draft, at(place, "from", from, "source"));
        addOperation(operation, ports, draft, at(place, "to", to, "operation"));
        for (const [position, condition] of (rule.when ?? []).entries()) {
          addCondition(condition, namespace, ports, draft, at(place, "when", position));
        }
        if (draft.isVoid) return [];
        const { principal, operation: asked } = draft;
        return [
          {
            ...(Object.keys(principal).length > 0 && { principal }),
            ...(Object.keys(asked).length > 0 && { operation: asked }),
          },
        ];
      }),
    );
  });
}
