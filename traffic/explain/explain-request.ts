// What the gateway would do with a request, step by step, by the code of the data path: listener, client, rule, policies,
// filters, backend and endpoint. Pure: nothing is sent, and no quota is spent.
import type { Snapshot, SnapshotBackend } from "#contract/snapshot.ts";
import { compileKeySource } from "../balance/key-source.ts";
import { explainMatch, type MatchExplanation } from "../match/explain.ts";
import { type BackendExplanation, explainBackends, type RunTime } from "./explain-backends.ts";
import { explainFilters, type FilterExplanation } from "./explain-filters.ts";
import { explainPolicies, type PolicyExplanation } from "./explain-policies.ts";
import { createEntry, filteredRequest, type ExplainedRequest } from "./request-entry.ts";

export interface Explanation {
  readonly listener?: string;
  readonly client: string;
  readonly host?: string;
  readonly path?: string;
  /** Why the request goes no further, where it is refused before a rule is asked. */
  readonly refusal?: string;
  readonly route?: string;
  readonly rule?: string;
  readonly match?: MatchExplanation;
  readonly policies: readonly PolicyExplanation[];
  readonly filters: readonly FilterExplanation[];
  /** Empty where a filter answers by itself. */
  readonly backends: readonly BackendExplanation[];
}

export function explainRequest(
  snapshot: Snapshot,
  request: ExplainedRequest,
  runTime: RunTime = {},
): Explanation {
  const { listener, port, head, ...known } = createEntry(snapshot, runTime)(request);
  const found = {
    policies: [],
    filters: [],
    backends: [],
    ...known,
    ...(listener && { listener: listener.name }),
  };
  if (!head || !listener) return found;
  const match = explainMatch(snapshot, listener.name, head);
  const { winner } = match;
  if (!winner) return { ...found, match, refusal: `route_not_found: ${match.refusal ?? "no rule matches"}` };
  const filters = explainFilters(winner, filteredRequest(head, listener, port));
  const hashTextOf = ({ loadBalancer }: SnapshotBackend): string | undefined =>
    compileKeySource(loadBalancer.consistentHash ?? { type: "SourceIP" })(head);
  const answered = filters.some(({ answers }) => answers);
  return {
    ...found,
    match,
    route: winner.route.name,
    rule: winner.rule.id,
    policies: explainPolicies(winner, head, known.client),
    filters,
    backends: answered ? [] : explainBackends(snapshot, winner.rule, hashTextOf, runTime),
  };
}
