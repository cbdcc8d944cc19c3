// `limit-rps`, `limit-rpm` and `limit-connections`: by address, for all paths of the Ingress together.
import { refusalStatusSchema } from "#contract/rate-limit.ts";
import type { RateLimitPolicyInput } from "../../kubernetes/model-parts.ts";
import { qualifiedName } from "../../kubernetes/object.ts";
import type { Controller } from "../controller/controller.ts";
import type { Ingress } from "../kinds.ts";
import type { Annotations } from "./annotations.ts";

export interface Limits {
  /** Absent: none. */
  readonly policy: RateLimitPolicyInput | undefined;
  /** Networks whose clients are not limited. */
  readonly exempt: readonly string[];
}

/** ingress-nginx's, where its ConfigMap has no other. */
const refusalStatus = 503;
/** nginx counts each IPv6 address by itself. */
const byAddress = { sourceCIDR: { type: "Distinct", ipv6PrefixLength: 128 } } as const;

export function readLimits(ingress: Ingress, annotations: Annotations, { settings }: Controller): Limits {
  const exempt = [...annotations.networks("limit-whitelist"), ...annotations.networks("limit-allowlist")];
  const multiplier = annotations.integer("limit-burst-multiplier", 1) ?? 5;
  const rates = (
    [
      ["limit-rps", "rps", "Second"],
      ["limit-rpm", "rpm", "Minute"],
    ] as const
  ).flatMap(([annotation, name, unit]) => {
    const requests = annotations.integer(annotation) ?? 0;
    if (requests === 0) return [];
    // One at the rate, and a burst beyond it (ngx_http_limit_req_module, `nodelay`).
    const limit = { requests, unit, burst: requests * multiplier + 1 };
    return [
      {
        name,
        shared: true,
        clientSelectors: [byAddress],
        limit,
        statusCode: statusOf("limit-req-status-code", settings),
      },
    ];
  });
  const connections = annotations.integer("limit-connections") ?? 0;
  if (rates.length === 0 && connections === 0) return { policy: undefined, exempt };
  const parallel = {
    name: "connections",
    shared: true,
    clientSelectors: [byAddress],
    maxParallelRequests: connections,
    statusCode: statusOf("limit-conn-status-code", settings),
  };
  return {
    policy: {
      name: `ingress/${qualifiedName(ingress)}`,
      ...(rates.length > 0 && { global: { rules: rates } }),
      ...(connections > 0 && { concurrency: { rules: [parallel] } }),
    },
    exempt,
  };
}

function statusOf(name: string, settings: Controller["settings"]): number {
  const status = settings.integer(name) ?? refusalStatus;
  if (refusalStatusSchema.safeParse(status).success) return status;
  settings.invalid(name, "a status from 400 to 599");
  return refusalStatus;
}
