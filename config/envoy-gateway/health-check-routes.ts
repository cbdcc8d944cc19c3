// `healthCheck.path` of a ClientTrafficPolicy: what asks whether the gateway lives is answered 200 by the gateway itself.
import { limits } from "#contract/limits.ts";
import type { ExtensionContext, RuleInput } from "../gateway-api/extension.ts";
import { isProgrammed, type Listener } from "../gateway-api/listener.ts";
import type { ClientTrafficPolicy } from "./schema/client-traffic-policy.ts";

/** Before all rules of all routes. */
const priority = 1_000;

export function addHealthCheckRoutes(
  { gateways, parts }: ExtensionContext,
  policyOf: (listener: Listener) => ClientTrafficPolicy | undefined,
): void {
  for (const { listeners, refused } of [...gateways.gateways, ...gateways.listenerSets]) {
    for (const listener of listeners) {
      const policy = policyOf(listener);
      const path = policy?.body.spec.healthCheck?.path;
      const { protocol } = listener.spec;
      const isOpen = !refused && isProgrammed(listener, gateways.conflicts);
      if (path === undefined || !isOpen || (protocol !== "HTTP" && protocol !== "HTTPS")) continue;
      // Where several Gateways share it, it is the listener of the one that has it.
      if (gateways.servedAs(listener) !== listener) continue;
      const origin = { object: policy!.object, path: ["spec", "healthCheck"] };
      for (const [index, hostnames] of hostnameLists(listener.id, parts).entries()) {
        const name = `healthcheck/${listener.id}${index === 0 ? "" : `/${index + 1}`}`;
        parts.addRoute({ name, listeners: [listener.id], hostnames, rules: [ruleFor(path)] }, origin);
      }
    }
  }
}

/** Every host, and those that routes of the listener name: a host has its own routes alone. */
function hostnameLists(listener: string, { config }: ExtensionContext["parts"]): string[][] {
  const named = new Set(
    (config.routes ?? []).flatMap(({ listeners, hostnames = [] }) =>
      listeners === undefined || listeners.includes(listener) ? hostnames : [],
    ),
  );
  const lists: string[][] = [[]];
  const all = [...named];
  for (let start = 0; start < all.length; start += limits.hostnamesPerRoute)
    lists.push(all.slice(start, start + limits.hostnamesPerRoute));
  return lists;
}

function ruleFor(path: string): RuleInput {
  return {
    matches: [{ path: { type: "Exact", value: path } }],
    priority,
    filters: [{ type: "DirectResponse", directResponse: { statusCode: 200 } }],
  };
}
