// BackendTrafficPolicy → what a rule and its backends have besides what the route says. What the route says itself goes first.
import { durationMs } from "#contract/duration.ts";
import type { ConnectionRuleInput, RuleInput } from "../../gateway-api/extension.ts";
import type { FilterInput } from "../../gateway-api/http-filters.ts";
import type { BackendInput, RateLimitPolicyInput } from "../../kubernetes/model-parts.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";
import { bytesOf } from "../schema/common.ts";
import { compressionOf } from "./compression.ts";
import { healthCheckOf } from "./health-check.ts";
import { loadBalancerOf } from "./load-balancer.ts";
import { rateLimitOf } from "./rate-limit.ts";
import { overridesOf } from "./response-override.ts";

export interface Traffic {
  readonly backend: Partial<BackendInput>;
  readonly rateLimit: RateLimitPolicyInput | undefined;
  apply(rule: RuleInput): RuleInput;
  applyToConnections(rule: ConnectionRuleInput): ConnectionRuleInput;
}

/** `name`: of what the policy adds to the model by its own name. `namespace`: of ConfigMaps with bodies. */
export function trafficOf(
  spec: TrafficSpec,
  { name, namespace, place, set }: { name: string; namespace: string; place: Place; set: ResourceSet },
): Traffic {
  const { timeout, retry, faultInjection, responseOverride = [], requestBuffer } = spec;
  const compressed = compressionOf(spec, place);
  const retried = retry && retryOf(retry, at(place, "retry"));
  const filters = [
    ...(faultInjection ? faultOf(faultInjection, at(place, "faultInjection")) : []),
    ...overridesOf(responseOverride, namespace, at(place, "responseOverride"), set),
  ];
  const { requestTimeout, streamIdleTimeout, maxStreamDuration } = timeout?.http ?? {};
  const timeouts = withFields({
    request: shorter(requestTimeout, maxStreamDuration),
    streamIdle: streamIdleTimeout,
  });
  const limit = requestBuffer?.limit;
  if (limit !== undefined)
    approximated(
      at(place, "requestBuffer"),
      "longer bodies are answered 413; shorter ones are not held back",
    );
  return {
    backend: backendOf(spec, place),
    rateLimit: spec.rateLimit && rateLimitOf(spec.rateLimit, name, at(place, "rateLimit")),
    apply: (rule) => ({
      ...rule,
      ...((rule.timeouts ?? Object.keys(timeouts).length > 0) && {
        timeouts: { ...timeouts, ...rule.timeouts },
      }),
      ...(retried && { retry: rule.retry ?? retried }),
      ...(compressed && { compression: rule.compression ?? compressed }),
      ...(filters.length > 0 && { filters: [...(rule.filters ?? []), ...filters] }),
      ...(limit !== undefined && {
        securityPolicy: { ...rule.securityPolicy, requestLimits: { bodyBytes: bytesOf(limit) } },
      }),
    }),
    applyToConnections: (rule) => {
      const connect = timeout?.tcp?.connectTimeout;
      return connect === undefined ? rule : { ...rule, timeouts: { connect } };
    },
  };
}

/** Both bound the whole exchange; 0s is no bound. */
function shorter(...durations: (string | undefined)[]): string | undefined {
  const given = durations.filter((duration) => duration !== undefined);
  const bounds = given.filter((duration) => durationMs(duration) > 0);
  return bounds.toSorted((a, b) => durationMs(a) - durationMs(b))[0] ?? given[0];
}

function backendOf(
  { loadBalancer, healthCheck, circuitBreaker, timeout, proxyProtocol }: TrafficSpec,
  place: Place,
): Partial<BackendInput> {
  const connectTimeout = timeout?.tcp?.connectTimeout;
  const budget = circuitBreaker?.retryBudget?.percent;
  return {
    ...(loadBalancer && { loadBalancer: loadBalancerOf(loadBalancer, at(place, "loadBalancer")) }),
    ...(healthCheck && { healthCheck: healthCheckOf(healthCheck, at(place, "healthCheck")) }),
    ...(circuitBreaker && { circuitBreaker: boundsOf(circuitBreaker) }),
    ...(budget && {
      retryConstraint: {
        budget: {
          percent: Math.min(100, Math.round((100 * budget.numerator) / (budget.denominator ?? 100))),
        },
      },
    }),
    ...(connectTimeout !== undefined && { timeout: { tcp: { connectTimeout } } }),
    ...(proxyProtocol && { proxyProtocol: { version: proxyProtocol.version } }),
  };
}

/** What the API server fills in. */
const defaultBound = 1_024;

function boundsOf(
  bounds: NonNullable<TrafficSpec["circuitBreaker"]>,
): NonNullable<BackendInput["circuitBreaker"]> {
  return {
    maxConnections: bounds.maxConnections ?? defaultBound,
    maxPendingRequests: bounds.maxPendingRequests ?? defaultBound,
    maxParallelRequests: bounds.maxParallelRequests ?? defaultBound,
    maxParallelRetries: bounds.maxParallelRetries ?? defaultBound,
  };
}

/** What Envoy waits where the policy says only how long it waits at most. */
const envoyBaseInterval = "25ms";

type RetryInput = NonNullable<RuleInput["retry"]>;

function retryOf(
  { numRetries = 2, retryOn, perRetry }: NonNullable<TrafficSpec["retry"]>,
  place: Place,
): RetryInput {
  if (numRetries > 10) {
    approximated(at(place, "numRetries"), "a request is tried again 10 times at most");
  }
  const { triggers = [], httpStatusCodes } = retryOn ?? {};
  const early = triggers.indexOf("reset-before-request");
  if (early >= 0) {
    approximated(at(place, "retryOn", "triggers", early), "tried again where the connection itself failed");
  }
  const known = triggers.map((trigger) => (trigger === "reset-before-request" ? "connect-failure" : trigger));
  const { timeout, backOff } = perRetry ?? {};
  const { baseInterval = envoyBaseInterval, maxInterval } = backOff ?? {};
  const pauses = backOff && { baseInterval, ...withFields({ maxInterval }) };
  return {
    numRetries: Math.min(10, numRetries),
    ...(retryOn && {
      retryOn: {
        ...(known.length > 0 && { triggers: [...new Set(known)] }),
        ...withFields({ httpStatusCodes }),
      },
    }),
    ...(perRetry && { perRetry: withFields({ timeout, backOff: pauses }) }),
  };
}

function faultOf({ delay, abort }: NonNullable<TrafficSpec["faultInjection"]>, place: Place): FilterInput[] {
  const { fixedDelay, percentage } = delay ?? {};
  if (delay && fixedDelay === undefined) invalid(at(place, "delay"), "expected fixedDelay");
  const waits = fixedDelay === undefined ? undefined : { fixedDelay, ...withFields({ percentage }) };
  const aborts = abort && withFields(abort);
  if (!waits && !aborts) return [];
  return [{ type: "FaultInjection", faultInjection: withFields({ delay: waits, abort: aborts }) }];
}
