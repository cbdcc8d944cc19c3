// Active health checks as the snapshot carries them: durations in milliseconds, statuses one by one.
import type { CheckOverrides } from "#contract/active-health-check.ts";
import { durationMs } from "#contract/duration.ts";
import type { ActiveHealthCheck, Endpoint } from "#contract/snapshot.ts";
import type { NativeBackend } from "./native/schema.ts";

type NativeCheck = NonNullable<NativeBackend["healthCheck"]["active"]>;
type NativeStep = NonNullable<NativeCheck["next"]>[number];
type NativeEndpointCheck = NonNullable<NativeBackend["endpoints"][number]["healthCheck"]>;
type NativePace = Omit<NativeEndpointCheck, "disabled" | "overrides">;
type Step = NonNullable<ActiveHealthCheck["next"]>[number];

export function compileHealthCheck(check: NativeCheck, backend: NativeBackend): ActiveHealthCheck {
  const { interval, timeout, unhealthyThreshold, healthyThreshold, next } = check;
  return {
    ...compilePace(check),
    intervalMs: durationMs(interval),
    timeoutMs: durationMs(timeout),
    unhealthyThreshold,
    healthyThreshold,
    ...compileStep(check, backend),
    ...(next && { next: next.map((step) => compileStep(step, backend)) }),
  };
}

export function compileEndpointCheck({
  disabled,
  overrides,
  ...pace
}: NativeEndpointCheck): NonNullable<Endpoint["healthCheck"]> {
  // What is so of the backend's check on the endpoint's own port is so no more.
  const proxyProtocol =
    overrides && (overrides.proxyProtocol ?? (goesElsewhere(overrides) ? "None" : undefined));
  return {
    ...(disabled && { disabled }),
    ...compilePace(pace),
    ...(overrides && { overrides: { ...overrides, ...(proxyProtocol && { proxyProtocol }) } }),
  };
}

function compilePace(pace: NativePace) {
  const { interval, fastInterval, downInterval, timeout, unhealthyThreshold, healthyThreshold } = pace;
  return {
    ...(interval !== undefined && { intervalMs: durationMs(interval) }),
    ...(fastInterval !== undefined && { fastIntervalMs: durationMs(fastInterval) }),
    ...(downInterval !== undefined && { downIntervalMs: durationMs(downInterval) }),
    ...(timeout !== undefined && { timeoutMs: durationMs(timeout) }),
    ...(unhealthyThreshold !== undefined && { unhealthyThreshold }),
    ...(healthyThreshold !== undefined && { healthyThreshold }),
  };
}

function compileStep(step: NativeStep | NativeCheck, backend: NativeBackend): Step {
  const { type, overrides } = step;
  const common = { type, ...compileOverrides(overrides, backend) };
  if (step.type === "TCP") return { ...common, ...(step.tcp && { tcp: step.tcp }) };
  if (step.type === "GRPC") {
    const { service } = step.grpc ?? {};
    return { ...common, ...(service !== undefined && { grpc: { service } }) };
  }
  const { expectedStatuses, drainStatuses, ...http } = step.http;
  return {
    ...common,
    http: {
      ...http,
      expectedStatuses: expectedStatuses.flatMap(statusesOf),
      ...(drainStatuses && { drainStatuses: drainStatuses.flatMap(statusesOf) }),
    },
  };
}

/** HAProxy: checks begin as connections do, unless they go elsewhere. */
function compileOverrides(
  overrides: NativeStep["overrides"],
  backend: NativeBackend,
): { overrides?: CheckOverrides } {
  const { proxyProtocol: own, ...others } = overrides ?? {};
  const proxyProtocol = own ?? (goesElsewhere(others) ? undefined : backend.proxyProtocol?.version);
  const compiled = { ...others, ...(proxyProtocol && { proxyProtocol }) };
  return Object.keys(compiled).length === 0 ? {} : { overrides: compiled };
}

function goesElsewhere({ port, address }: Pick<CheckOverrides, "port" | "address">): boolean {
  return port !== undefined || address !== undefined;
}

function statusesOf(status: number | string): number[] {
  if (typeof status === "number") return [status];
  const [first, last] = status.split("-").map(Number) as [number, number];
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);
}
