// The list of semantic checks.
import type { Steps } from "#contract/steps.ts";
import type { NativeConfig } from "../native/schema.ts";
import type { Report } from "../report.ts";
import { attachedRoutes } from "./attached-routes.ts";
import {
  backendEndpoints,
  dialableEndpoints,
  edgeTunnels,
  healthCheckAddresses,
  healthCheckProtocols,
  observedChecks,
} from "./backend-endpoints.ts";
import { backendTls } from "./backend-tls.ts";
import { canaryBackends } from "./canary-backends.ts";
import type { Check } from "./check.ts";
import { claimMatches } from "./claim-matches.ts";
import { counterNames, counters } from "./counters.ts";
import { connectionTimeouts, healthCheckTimes, ruleTimeouts } from "./durations.ts";
import { filterCombinations } from "./filter-combinations.ts";
import { knownReferences } from "./known-references.ts";
import { preferredEndpoints } from "./preferred-endpoints.ts";
import {
  backendLayer,
  backendProtocols,
  connectionConflicts,
  edgeListeners,
  inspectedRules,
  listenerFields,
  routeProtocols,
} from "./layer-4.ts";
import { edgeAddresses, listenerConflicts, listenerTls } from "./listener-conflicts.ts";
import { connectionMatchValues, matchValues } from "./match-values.ts";
import { countedBackends } from "./named-facts.ts";
import { portForwards } from "./port-forwards.ts";
import { rateLimits } from "./rate-limits.ts";
import { reachableRules } from "./reachable-rules.ts";
import { connectionBackends, ruleBackends, weightedBackends } from "./rule-backends.ts";
import { securityPolicies } from "./security-policies.ts";
import { uniqueNames } from "./unique-names.ts";

const checks: readonly Check[] = [
  uniqueNames,
  knownReferences,
  preferredEndpoints,
  listenerConflicts,
  listenerTls,
  listenerFields,
  routeProtocols,
  connectionConflicts,
  attachedRoutes,
  matchValues,
  connectionMatchValues,
  inspectedRules,
  filterCombinations,
  ruleBackends,
  ruleTimeouts,
  connectionTimeouts,
  securityPolicies,
  claimMatches,
  rateLimits,
  counters,
  counterNames,
  countedBackends,
  connectionBackends,
  weightedBackends,
  canaryBackends,
  backendProtocols,
  backendLayer,
  backendEndpoints,
  portForwards,
  backendTls,
  healthCheckTimes,
  healthCheckAddresses,
  healthCheckProtocols,
  observedChecks,
  reachableRules,
];

const edgeChecks: readonly Check[] = [edgeTunnels, dialableEndpoints, edgeListeners, edgeAddresses];

/** Where the configuration is to run; `edge` (Cloudflare) cannot do all that `isthmus serve` can. */
export type Target = "serve" | "edge";

/** A check at a time. */
export function* checkConfig(config: NativeConfig, report: Report, target: Target): Steps<void> {
  const all = target === "edge" ? [...checks, ...edgeChecks] : checks;
  for (const check of all) {
    check(config, report);
    yield;
  }
}
