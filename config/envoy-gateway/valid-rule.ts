// What a policy makes of a rule, held to the model's schema before any route has it: what is wrong with it is the policy's fault
// and is said there, not of the routes that it is for.
import type { RuleInput } from "../gateway-api/extension.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import { ruleSchema } from "../native/schema.ts";
import { formatPath } from "../report.ts";

export function isValidRule(
  apply: (rule: RuleInput) => RuleInput,
  object: KubernetesObject,
  notes: Notes,
): boolean {
  const rule = apply({});
  const { success, error } = ruleSchema.safeParse(rule);
  if (success) return true;
  for (const { code, path, message, remedy } of schemaFindings(ruleSchema, rule, error.issues)) {
    notes.add(fieldOf(object, "spec"), { code, message: `${formatPath(path)}: ${message}`, remedy });
  }
  return false;
}
