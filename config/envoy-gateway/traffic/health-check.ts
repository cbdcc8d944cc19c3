// `healthCheck` → active checks, and ejection because of how requests end.
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";

type HealthCheck = NonNullable<TrafficSpec["healthCheck"]>;
type Active = NonNullable<HealthCheck["active"]>;
type HealthCheckInput = NonNullable<BackendInput["healthCheck"]>;
type ActiveInput = NonNullable<HealthCheckInput["active"]>;
type TcpProbe = NonNullable<Extract<ActiveInput, { type: "TCP" }>["tcp"]>;
type Method = NonNullable<Extract<ActiveInput, { type: "HTTP" }>["http"]["method"]>;

export function healthCheckOf(
  { active, passive, panicThreshold }: HealthCheck,
  place: Place,
): HealthCheckInput {
  return {
    ...(active && withFields({ active: activeCheck(active, at(place, "active")) })),
    ...(passive && { passive: passiveCheck(passive) }),
    ...(panicThreshold !== undefined && { panicThreshold }),
  };
}

function activeCheck(active: Active, place: Place): ActiveInput | undefined {
  const { interval, timeout, unhealthyThreshold, healthyThreshold, overrides } = active;
  const common = withFields({
    interval,
    timeout,
    unhealthyThreshold,
    healthyThreshold,
    overrides: overrides?.port === undefined ? undefined : { port: overrides.port },
  });
  switch (active.type) {
    case "GRPC":
      return {
        type: "GRPC",
        ...common,
        ...(active.grpc?.service && { grpc: { service: active.grpc.service } }),
      };
    case "TCP":
      return withFields({ type: "TCP" as const, ...common, tcp: active.tcp && tcpProbe(active.tcp) });
    case "HTTP": {
      if (!active.http) {
        invalid(place, "expected http with type HTTP");
        return undefined;
      }
      const { path, hostname, method, expectedStatuses, expectedResponse } = active.http;
      const http = withFields({
        hostname,
        method: method === undefined ? undefined : methodOf(method, at(place, "http", "method")),
        expectedStatuses,
        expectedBody: expectedResponse?.text,
      });
      return { type: "HTTP", ...common, http: { path, ...http } };
    }
  }
}

/** Octets are said in exchanges: the second sends nothing, so what the first was answered counts for it. */
function tcpProbe({ send, receive }: NonNullable<Active["tcp"]>): TcpProbe | undefined {
  if (send?.binary === undefined && receive?.binary === undefined) {
    const texts = withFields({ send: send?.text, receive: receive?.text });
    return Object.keys(texts).length > 0 ? texts : undefined;
  }
  const [said, wanted] = [send?.binary ?? send?.text, receive?.binary ?? receive?.text];
  return {
    exchanges: [
      ...(said === undefined ? [] : [{ send: said, ...encodingOf(send) }]),
      ...(wanted === undefined ? [] : [{ receive: wanted, ...encodingOf(receive) }]),
    ],
  };
}

const encodingOf = (payload?: { readonly binary?: string | undefined }): { encoding?: "Base64" } =>
  payload?.binary === undefined ? {} : { encoding: "Base64" };

function methodOf(method: string, place: Place): Method {
  const known = (["GET", "HEAD", "OPTIONS"] as const).find((name) => name === method.toUpperCase());
  if (!known) approximated(place, `checks are made with GET, not with ${method}`);
  return known ?? "GET";
}

function passiveCheck({
  consecutive5XxErrors,
  failurePercentageThreshold,
  alwaysEjectOneEndpoint: _always,
  ...same
}: NonNullable<HealthCheck["passive"]>): NonNullable<HealthCheckInput["passive"]> {
  return withFields({
    ...same,
    consecutive5xxErrors: consecutive5XxErrors,
    // 0 switches it off.
    failurePercentage: failurePercentageThreshold ? { threshold: failurePercentageThreshold } : undefined,
  });
}
