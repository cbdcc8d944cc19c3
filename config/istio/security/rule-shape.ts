// Rules that say less than they seem to: Istio's admission refuses them, and files have not been through it. Read as they
// stand, what is empty would hold for everyone, or for nobody.
import type { Notes } from "../../kubernetes/notes.ts";
import type { AuthorizationPolicy, AuthorizationRuleBody } from "../kinds/security.ts";
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";

/** `ValidateAuthorizationPolicy`. */
export function noteEmptyRules({ object, body }: AuthorizationPolicy, notes: Notes): void {
  const { action = "ALLOW", rules } = body.spec ?? {};
  const spec: Place = { notes, object, path: ["spec"] };
  if (action !== "ALLOW" && action !== "AUDIT" && rules == null) {
    const message = `${action} without rules is about no request`;
    invalid(at(spec, "action"), message, "Write rules: [{}] for every request.");
  }
  for (const [index, rule] of (rules ?? []).entries()) noteEmptyParts(rule, at(spec, "rules", index));
}

function noteEmptyParts({ from, to, when }: AuthorizationRuleBody, place: Place): void {
  const remedy = "Leave out what is for everyone.";
  for (const [field, list] of Object.entries({ from, to })) {
    if (list?.length === 0) invalid(at(place, field), `expected an entry in ${field}`, remedy);
  }
  for (const [index, { source }] of (from ?? []).entries()) {
    if (isEmpty(source)) invalid(at(place, "from", index), "expected a condition in source", remedy);
  }
  for (const [index, { operation }] of (to ?? []).entries()) {
    if (isEmpty(operation)) invalid(at(place, "to", index), "expected a condition in operation", remedy);
  }
  for (const [index, condition] of (when ?? []).entries()) {
    const { values = [], notValues = [] } = condition;
    if (values.length + notValues.length === 0)
      invalid(at(place, "when", index), "expected values or notValues");
  }
}

function isEmpty(conditions: Readonly<Record<string, readonly string[] | undefined>>): boolean {
  return Object.values(conditions).every((values) => values === undefined || values.length === 0);
}
