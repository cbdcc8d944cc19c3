// `loadBalancer` → how an endpoint is picked.
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { approximated, at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";

type LoadBalancer = NonNullable<TrafficSpec["loadBalancer"]>;
type LoadBalancerInput = NonNullable<BackendInput["loadBalancer"]>;

export function loadBalancerOf(
  { type, consistentHash, slowStart, zoneAware }: LoadBalancer,
  place: Place,
): LoadBalancerInput {
  const preferLocal = zoneAware?.preferLocal;
  const threshold = preferLocal?.minEndpointsThreshold;
  return {
    type: typeOf(type, place),
    ...(type === "ConsistentHash" &&
      consistentHash && {
        consistentHash: keyOf(consistentHash, at(place, "consistentHash")),
      }),
    ...(slowStart?.window !== undefined && { slowStart: { window: slowStart.window } }),
    ...(preferLocal && {
      zoneAware: { preferLocal: { ...(threshold !== undefined && { minEndpointsThreshold: threshold }) } },
    }),
  };
}

function typeOf(type: LoadBalancer["type"], place: Place): LoadBalancerInput["type"] {
  switch (type) {
    case "BackendUtilization":
      approximated(
        at(place, "type"),
        "endpoints are picked by their requests under way, as with LeastRequest",
      );
      return "LeastRequest";
    case "DynamicModule":
      return "RoundRobin";
    default:
      return type;
  }
}

/** The model has one key; endpoints are alike, so that a coarser one only keeps more clients together. */
function keyOf(
  { type, header, headers = [], queryParams = [], cookie }: NonNullable<LoadBalancer["consistentHash"]>,
  place: Place,
): NonNullable<LoadBalancerInput["consistentHash"]> {
  const one = <T>(field: string, list: readonly T[]): T | undefined => {
    if (list.length > 1)
      approximated(at(place, field), "the first of these alone binds clients to endpoints");
    if (list.length === 0) invalid(place, `expected ${field} with type ${type}`);
    return list[0];
  };
  switch (type) {
    case "Header":
    case "Headers": {
      const named =
        type === "Header" && header ? header : one(type === "Header" ? "header" : "headers", headers);
      return named ? { type: "Header", header: { name: named.name } } : { type: "SourceIP" };
    }
    case "QueryParams": {
      const named = one("queryParams", queryParams);
      return named ? { type: "QueryParam", queryParam: { name: named.name } } : { type: "SourceIP" };
    }
    case "Cookie": {
      if (!cookie) {
        invalid(place, "expected cookie with type Cookie");
        return { type: "SourceIP" };
      }
      const { name, ttl } = cookie;
      return { type: "Cookie", cookie: { name, ...(ttl !== undefined && ttl !== "0s" && { ttl }) } };
    }
    case "SourceIP":
      return { type };
  }
}
