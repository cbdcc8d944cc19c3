// Policies of backends and rules as the snapshot carries them: durations in milliseconds, defaults filled in.
import { durationMs } from "#contract/duration.ts";
import {
  circuitBreakerSchema,
  consistentHashSchema,
  endpointQueueSchema,
  hedgingSchema,
  keySourceSchema,
  loadSheddingSchema,
  passiveHealthCheckSchema,
  retryConstraintSchema,
  retrySchema,
  type RetryPolicy,
  sessionPersistenceSchema,
} from "#contract/backend-policy.ts";
import { type LoadBalancer, loadBalancerSchema } from "#contract/snapshot.ts";
import type { SnapshotBackend, SnapshotRule } from "#contract/snapshot.ts";
import type { NativeBackend, NativeRule } from "./native/schema.ts";

type BackendPolicies = Pick<
  SnapshotBackend,
  "circuitBreaker" | "queue" | "loadShedding" | "retryConstraint" | "hedging"
>;
type RulePolicies = Pick<SnapshotRule, "retry" | "sessionPersistence" | "stickySplit" | "compression">;

export function compileBackendPolicies(backend: NativeBackend): BackendPolicies {
  const { circuitBreaker, queue, loadShedding, retryConstraint, hedging } = backend;
  return {
    ...(queue && { queue: endpointQueueSchema.parse(inMilliseconds(queue)) }),
    ...(circuitBreaker && { circuitBreaker: circuitBreakerSchema.parse(circuitBreaker) }),
    ...(loadShedding && { loadShedding: loadSheddingSchema.parse(loadShedding) }),
    ...(retryConstraint && { retryConstraint: compileRetryConstraint(retryConstraint) }),
    ...(hedging && { hedging: hedgingSchema.parse(inMilliseconds(hedging)) }),
  };
}

export function compileLoadBalancer({
  consistentHash,
  ...rest
}: NativeBackend["loadBalancer"]): LoadBalancer {
  const { type, leastRequest, slowStart, zoneAware, overprovisioningFactor } = rest;
  return loadBalancerSchema.parse({
    type,
    ...(consistentHash && { consistentHash: consistentHashSchema.parse(inMilliseconds(consistentHash)) }),
    ...(leastRequest && { leastRequest }),
    ...(slowStart && { slowStart: inMilliseconds(slowStart) }),
    ...(zoneAware && { zoneAware }),
    ...(overprovisioningFactor !== undefined && { overprovisioningFactor }),
  });
}

export function compilePassiveHealth({
  passive,
  observe,
  panicThreshold,
  closeConnectionsOnFailure,
}: NativeBackend["healthCheck"]): Omit<SnapshotBackend["healthCheck"], "active"> {
  return {
    ...(passive && { passive: passiveHealthCheckSchema.parse(inMilliseconds(passive)) }),
    ...(observe && { observe }),
    ...(panicThreshold !== undefined && { panicThreshold }),
    ...(closeConnectionsOnFailure && { closeConnectionsOnFailure }),
  };
}

export function compileRulePolicies({
  retry,
  sessionPersistence,
  stickySplit,
  compression,
}: NativeRule): RulePolicies {
  return {
    ...(retry && { retry: compileRetry(retry) }),
    ...(sessionPersistence && {
      sessionPersistence: sessionPersistenceSchema.parse(inMilliseconds(sessionPersistence)),
    }),
    ...(stickySplit && { stickySplit: keySourceSchema.parse(inMilliseconds(stickySplit)) }),
    ...(compression && { compression }),
  };
}

/**
 * GEP-1731: with `codes`, those statuses, and connections that failed, are tried again; without a policy of their own,
 * Envoy Gateway's defaults hold.
 */
function compileRetry(retry: NonNullable<NativeRule["retry"]>): RetryPolicy {
  const { attempts, codes, backoff, numRetries, retryOn, perRetry } = retry;
  const retries = attempts ?? numRetries;
  const base = backoff === undefined ? undefined : { baseIntervalMs: durationMs(backoff) };
  const backOff = perRetry?.backOff ? inMilliseconds(perRetry.backOff) : base;
  const triggers = codes && ["connect-failure", "refused-stream", "reset", "retriable-status-codes"];
  return retrySchema.parse({
    ...(retries !== undefined && { numRetries: retries }),
    ...(codes && { retryOn: { triggers, httpStatusCodes: codes } }),
    ...(retryOn && { retryOn }),
    perRetry: {
      ...(perRetry?.timeout !== undefined && { timeoutMs: durationMs(perRetry.timeout) }),
      backOff: backOff ?? { baseIntervalMs: 25 },
    },
  });
}

function compileRetryConstraint(constraint: NonNullable<NativeBackend["retryConstraint"]>) {
  const { budget, minRetryRate } = constraint;
  return retryConstraintSchema.parse({
    ...(budget && { budget: inMilliseconds(budget) }),
    ...(minRetryRate && { minRetryRate: inMilliseconds(minRetryRate) }),
  });
}

/** Names of the fields that hold durations, in all policies. */
const durationNames = new Set([
  "absoluteTimeout",
  "baseEjectionTime",
  "baseInterval",
  "delay",
  "idleTimeout",
  "interval",
  "maxEjectionTime",
  "maxInterval",
  "minimumExcess",
  "timeout",
  "ttl",
  "window",
]);

/** `{ interval: "3s" }` → `{ intervalMs: 3000 }`, in maps within it, too. */
function inMilliseconds(value: object): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, field]: [string, unknown]) => {
      if (typeof field === "string" && durationNames.has(name)) return [`${name}Ms`, durationMs(field)];
      const isMap = typeof field === "object" && field !== null && !Array.isArray(field);
      return [name, isMap ? inMilliseconds(field) : field];
    }),
  );
}
