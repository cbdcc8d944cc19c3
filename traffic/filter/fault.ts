// FaultInjection: which requests wait and which are answered with an error on purpose. A pure decision; whoever calls
// brings the randomness and keeps the time.
import { durationMs } from "#contract/duration.ts";
import type { FaultInjection } from "#contract/http-route.ts";
import { type Condition, headerConditions } from "../match/condition.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import { RequestFacts } from "../match/request-facts.ts";
import type { RequestHead } from "../match/request-head.ts";

export interface FaultPlan {
  readonly delay?: { readonly ms: number; readonly share: number };
  readonly abort?: { readonly answer: FaultAnswer; readonly share: number };
  readonly conditions: readonly Condition[];
}

export interface FaultAnswer {
  readonly status: number;
  /** A gRPC error is status 200 and `grpc-status` without a body. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface Fault {
  /** 0: the request does not wait. */
  readonly delayMs: number;
  /** After the delay; absent: the request goes on. */
  readonly answer?: FaultAnswer;
}

const noFault: Fault = { delayMs: 0 };

/** Conditions that cannot be compiled switch the faults off: a mistake must not break requests. */
export function compileFault({ delay, abort, headers }: FaultInjection): FaultPlan {
  let conditions: readonly Condition[];
  try {
    conditions = headerConditions(headers, compilePattern);
  } catch {
    conditions = [() => false];
  }
  return {
    conditions,
    ...(delay && { delay: { ms: durationMs(delay.fixedDelay), share: delay.percentage / 100 } }),
    ...(abort && { abort: { answer: answerOf(abort), share: abort.percentage / 100 } }),
  };
}

function answerOf(abort: NonNullable<FaultInjection["abort"]>): FaultAnswer {
  if (abort.grpcStatus === undefined) return { status: abort.httpStatus ?? 503, headers: [] };
  return {
    status: 200,
    headers: [
      ["content-type", "application/grpc"],
      ["grpc-status", String(abort.grpcStatus)],
      ["grpc-message", "fault injected"],
    ],
  };
}

/** What happens to this request; delay and abort are drawn independently, as in Envoy, each with a unit in [0, 1). */
export function decideFault(plan: FaultPlan, head: RequestHead, random: () => number): Fault {
  const { delay, abort, conditions } = plan;
  if (conditions.length > 0) {
    const facts = new RequestFacts(head);
    if (!conditions.every((condition) => condition(facts))) return noFault;
  }
  const waits = delay !== undefined && random() < delay.share;
  const aborts = abort !== undefined && random() < abort.share;
  if (!waits && !aborts) return noFault;
  return { delayMs: waits ? delay.ms : 0, ...(aborts && { answer: abort.answer }) };
}
