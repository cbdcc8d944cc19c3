// What the policies of a rule say to a request, as far as that can be known without a credential being checked or a
// quota being spent.
import { counterId } from "#contract/counter.ts";
import type { ClientNetworks } from "#contract/security-policy.ts";
import { compileAuthorization } from "../access/authorization.ts";
import { compileClientNetworks } from "../access/client-networks.ts";
import { compileKeyOf } from "../limit/limit-subject.ts";
import type { RuleMatch } from "../match/matcher.ts";
import type { RequestHead } from "../match/request-head.ts";

export interface PolicyExplanation {
  readonly policy: string;
  /** `depends`: on what only the running gateway knows. */
  readonly decision: "allows" | "refuses" | "depends" | "not counted";
  readonly detail: string;
}

export function explainPolicies(winner: RuleMatch, head: RequestHead, client: string): PolicyExplanation[] {
  return [
    ...explainAccess(winner, head, client),
    ...explainLimits(winner, head, client),
    ...explainCounting(winner),
  ];
}

/** Conditions on counters were asked about a client that was never counted. */
function explainCounting({ rule: { counting = [] } }: RuleMatch): PolicyExplanation[] {
  return counting.map((one) => {
    const what = one.type === "Track" ? "Track" : `${one.type} ${counterId(one.counter)} ${one.value}`;
    const detail = `${what}, table ${one.table}, key ${one.key}`;
    return { policy: "counting", decision: "depends", detail };
  });
}

function explainAccess({ route, rule }: RuleMatch, head: RequestHead, client: string): PolicyExplanation[] {
  const policy = rule.securityPolicy ?? route.securityPolicy;
  if (!policy) return [];
  const explained: PolicyExplanation[] = [];
  if (policy.clientCIDRs) explained.push(explainClientNetworks(policy.clientCIDRs, client));
  for (const name of ["apiKeyAuth", "basicAuth", "jwt", "extAuth"] as const) {
    if (!policy[name]) continue;
    explained.push({ policy: name, decision: "depends", detail: "on the credential and who it names" });
  }
  if (policy.authorization) {
    const verdict = compileAuthorization(policy.authorization)({ head, clientAddress: client, identity: {} });
    const by = verdict.rule === undefined ? "the default action" : `rule ${verdict.rule}`;
    explained.push({
      policy: "authorization",
      decision: verdict.allowed ? "allows" : "refuses",
      detail: `by ${by}, for a client without credentials`,
    });
  }
  return explained;
}

export function explainClientNetworks(networks: ClientNetworks, client: string): PolicyExplanation {
  const admits = compileClientNetworks(networks)(client);
  return { policy: "clientCIDRs", decision: admits ? "allows" : "refuses", detail: `client ${client}` };
}

function explainLimits({ route, rule }: RuleMatch, head: RequestHead, client: string): PolicyExplanation[] {
  const subject = {
    method: head.method,
    host: head.host,
    path: head.path,
    query: head.query,
    header: (name: string) => head.header(name),
    clientAddress: client,
    claim: () => null,
  };
  const explain = (
    policy: string,
    name: string,
    counted: Parameters<typeof compileKeyOf>[0],
    bound: string,
  ) => {
    const key = compileKeyOf(counted, route.name)(subject);
    return key === undefined
      ? {
          policy,
          decision: "not counted" as const,
          detail: `${name}: a condition or a part of the key is missing`,
        }
      : { policy, decision: "depends" as const, detail: `${name}: ${bound}, key ${JSON.stringify(key)}` };
  };
  return [
    ...(rule.rateLimits ?? []).map((limit) =>
      explain(
        "rateLimit",
        limit.name,
        limit,
        `${limit.limit.requests} in ${limit.limit.windowMs} ms${limit.shadowMode ? ", shadow mode" : ""}`,
      ),
    ),
    ...(rule.concurrencyLimits ?? []).map((limit) =>
      explain("concurrencyLimit", limit.name, limit, `${limit.maxParallelRequests} at a time`),
    ),
  ];
}
