// TCPRoute and TLSRoute → routes of connections.
import { fieldOf } from "../kubernetes/notes.ts";
import type { TcpRouteInput } from "../kubernetes/model-parts.ts";
import { ruleName } from "./http-route.ts";
import type { RouteVerdict } from "./route-verdict.ts";
import type { TcpRoute, TlsRoute } from "./schema/route-kinds.ts";

export function translateConnectionRules(
  { object, body }: TcpRoute | TlsRoute,
  verdict: RouteVerdict,
): TcpRouteInput["rules"] {
  return body.spec.rules.map((rule, index) => ({
    ...ruleName(rule.name),
    backendRefs: rule.backendRefs.map((ref, position) => {
      const field = fieldOf(object, "spec", "rules", index, "backendRefs", position);
      return { name: verdict.backend(ref, field) ?? null, weight: ref.weight };
    }),
  }));
}
