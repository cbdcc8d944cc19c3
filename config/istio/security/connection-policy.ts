// Decisions about connections: all that is known of one is the client's address.
import type { TcpRouteInput } from "../../kubernetes/model-parts.ts";
import { unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { Decision } from "./authorization.ts";

type ConnectionPolicy = TcpRouteInput["securityPolicy"];

const everyone = ["0.0.0.0/0", "::/0"];

export function connectionPolicy(decisions: readonly Decision[], place: Place): ConnectionPolicy {
  if (decisions.length === 0) return undefined;
  const [decision, ...others] = decisions;
  const rules = decision!.rules;
  const isPlain = rules.every(
    ({ principal = {}, operation = {} }) =>
      Object.keys(operation).length === 0 && Object.keys(principal).every((key) => key === "clientCIDRs"),
  );
  if (others.length > 0 || !isPlain) {
    const message =
      "a policy for these connections asks for more than the client's address, which is all that is known of them";
    unsupported(place, message, "Write ipBlocks alone.");
    return undefined;
  }
  const networks = (action: "Allow" | "Deny"): string[] =>
    rules.flatMap((rule) => (rule.action === action ? (rule.principal?.clientCIDRs ?? everyone) : []));
  const allow = networks("Allow");
  const deny = decision!.defaultAction === "Deny" ? everyone : networks("Deny");
  return { clientCIDRs: { ...(allow.length > 0 && { allow }), ...(deny.length > 0 && { deny }) } };
}
