// A check as it runs: where each of its connections goes and what it says and expects there, worked out once per snapshot.
import type { CheckOverrides } from "#contract/active-health-check.ts";
import { type ActiveHealthCheck, type BackendProtocol, type Endpoint, withTls } from "#contract/snapshot.ts";
import { encodeProxyHeader } from "../connection/proxy-protocol.ts";
import { compileAnswerTest, type AnswerTest } from "./answer-test.ts";
import { compileDialogue, type TcpDialogue } from "./tcp-dialogue.ts";

type Step = Pick<ActiveHealthCheck, "type" | "overrides" | "http" | "tcp" | "grpc">;

export interface CheckPlan {
  readonly policy: ActiveHealthCheck;
  /** Each must pass, one after the other. */
  readonly steps: readonly StepPlan[];
}

/** Exactly one of `http`, `startDialogue` and `grpc` is there. */
export interface StepPlan {
  readonly address: string;
  readonly port: number;
  readonly protocol: BackendProtocol;
  /** Name in TLS. Absent: the backend's. */
  readonly hostname: string | undefined;
  /** What goes first. Empty: nothing. */
  readonly header: Uint8Array;
  readonly http?: { readonly request: NonNullable<Step["http"]>; readonly test: AnswerTest };
  readonly startDialogue?: () => TcpDialogue;
  readonly grpc?: NonNullable<Step["grpc"]>;
}

/** Checks of the endpoints of one backend, whose expressions are compiled once for all of them. */
export function compileChecks(
  backendCheck: ActiveHealthCheck,
  protocol: BackendProtocol,
): (endpoint: Endpoint) => CheckPlan | undefined {
  const { next = [], ...first } = backendCheck;
  const steps = [first, ...next].map((step) => ({
    overrides: step.overrides ?? {},
    conversation: conversationOf(step),
  }));
  return (endpoint) => {
    const { disabled, overrides = {} } = endpoint.healthCheck ?? {};
    if (disabled) return undefined;
    return {
      policy: policyOf(backendCheck, endpoint),
      steps: steps.map((step, index) => ({
        // What follows the first connection says for itself where it goes.
        ...placeOf(
          endpoint,
          protocol,
          index === 0 ? { ...step.overrides, ...overrides } : { ...overrides, ...step.overrides },
        ),
        ...step.conversation,
      })),
    };
  };
}

function policyOf(check: ActiveHealthCheck, { healthCheck: own = {} }: Endpoint): ActiveHealthCheck {
  const fastIntervalMs = own.fastIntervalMs ?? check.fastIntervalMs;
  const downIntervalMs = own.downIntervalMs ?? check.downIntervalMs;
  return {
    ...check,
    intervalMs: own.intervalMs ?? check.intervalMs,
    ...(fastIntervalMs !== undefined && { fastIntervalMs }),
    ...(downIntervalMs !== undefined && { downIntervalMs }),
    timeoutMs: own.timeoutMs ?? check.timeoutMs,
    unhealthyThreshold: own.unhealthyThreshold ?? check.unhealthyThreshold,
    healthyThreshold: own.healthyThreshold ?? check.healthyThreshold,
  };
}

function conversationOf({
  type,
  http,
  tcp = {},
  grpc = {},
}: Step): Pick<StepPlan, "http" | "startDialogue" | "grpc"> {
  if (type === "GRPC") return { grpc };
  if (type === "TCP") return { startDialogue: compileDialogue(tcp) };
  const request = http ?? { method: "GET", path: "/", expectedStatuses: [200] };
  return { http: { request, test: compileAnswerTest(request) } };
}

function placeOf(
  endpoint: Endpoint,
  protocol: BackendProtocol,
  { address = endpoint.address, port = endpoint.port, tls, hostname, proxyProtocol = "None" }: CheckOverrides,
): Pick<StepPlan, "address" | "port" | "protocol" | "hostname" | "header"> {
  return {
    address,
    port,
    protocol: tls === undefined ? protocol : withTls(protocol, tls),
    hostname,
    header: proxyProtocol === "None" ? new Uint8Array() : encodeProxyHeader(proxyProtocol, {}),
  };
}
