// What a stage of the data path is, and how a list of them becomes one handler.
import type { FilterPlan } from "#traffic/filter/compile.ts";
import type { SnapshotBackendRef, SnapshotRule } from "#contract/snapshot.ts";
import type { AccessPolicy } from "../access/access-policy.ts";
import type { Exchange } from "../exchange.ts";
import type { Limiter } from "../limit/limiter.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { FetchStatistics } from "./statistics.ts";

/** Answers an exchange, or throws (rejects with) a `GatewayError`. Synchronous where nothing has to be waited for. */
export type Handler = (exchange: Exchange) => Response | Promise<Response>;

/**
 * Compiled once per snapshot for each rule (or backendRef): wraps what follows it in the list. A stage that has nothing
 * to do for this scope returns `next` itself and so costs a request nothing.
 */
export type Stage<Scope> = (scope: Scope, next: Handler) => Handler;

/** Enough for a stage that may stand at a rule and at a backendRef. */
export interface FilterScope {
  readonly filters: FilterPlan;
}

/** What the stages of a rule are compiled from. */
export interface RuleScope extends FilterScope {
  readonly rule: SnapshotRule;
  /** Name of the rule's route. */
  readonly route: string;
  /** Access control of the rule, or else of its route. */
  readonly access: AccessPolicy | undefined;
  /** The rule's filters combined with those of each backendRef, in order. */
  readonly branchFilters: readonly FilterPlan[];
  /** The backend stages of each backendRef, in order. */
  readonly branches: readonly Handler[];
  /** All backends of the snapshot, by name. */
  readonly backends: ReadonlyMap<string, BackendPlan>;
  readonly random: () => number;
  readonly secret: string;
  readonly limiter: Limiter;
  readonly fetchStatistics: FetchStatistics;
}

/** What the stages of one backendRef are compiled from. */
export interface BackendScope extends FilterScope {
  readonly rule: SnapshotRule;
  readonly access: AccessPolicy | undefined;
  readonly ref: SnapshotBackendRef;
  /** The rule's filters and the backendRef's, combined. */
  readonly filters: FilterPlan;
  readonly backend: BackendPlan;
  /** All backends of the snapshot, by name. */
  readonly backends: ReadonlyMap<string, BackendPlan>;
  readonly random: () => number;
}

/** The first stage of the list is outermost. The last one must not use `next`. */
export function compose<Scope>(stages: readonly Stage<Scope>[], scope: Scope): Handler {
  return stages.reduceRight<Handler>((next, stage) => stage(scope, next), endOfPath);
}

function endOfPath(): never {
  throw new Error("The last stage of the data path asked for a next one.");
}
