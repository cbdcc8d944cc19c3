// `trafficPolicy.loadBalancer` → how an endpoint is picked. Istio's default is LEAST_REQUEST.
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { nativeDuration } from "../go-duration.ts";
import type { LoadBalancerSettings } from "../kinds/destination-rule.ts";
import { approximated, at, ignored, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";

type LoadBalancer = NonNullable<BackendInput["loadBalancer"]>;
type ConsistentHash = NonNullable<LoadBalancerSettings["consistentHash"]>;

const types = {
  UNSPECIFIED: "LeastRequest",
  LEAST_CONN: "LeastRequest",
  LEAST_REQUEST: "LeastRequest",
  ROUND_ROBIN: "RoundRobin",
  RANDOM: "Random",
} as const;

export function translateLoadBalancer(settings: LoadBalancerSettings, place: Place): LoadBalancer {
  const { simple = "UNSPECIFIED", consistentHash } = settings;
  if (simple === "PASSTHROUGH") {
    const message = "requests cannot go to the address that the client dialled";
    unsupported(at(place, "simple"), message, "Name the endpoints in a ServiceEntry.");
  }
  if (settings.backendUtilization) {
    const message = "what endpoints report of their load is not listened to: LeastRequest in its place";
    approximated(at(place, "backendUtilization"), message);
  }
  const zoneAware = zonePreference(settings, place);
  const slowStart = consistentHash ? undefined : warmup(settings);
  const common = { ...(slowStart && { slowStart }), ...(zoneAware && { zoneAware }) };
  if (!consistentHash) {
    return { type: simple === "PASSTHROUGH" ? "LeastRequest" : types[simple], ...common };
  }
  if (settings.warmup ?? settings.warmupDurationSecs) {
    ignored(
      at(place, settings.warmup ? "warmup" : "warmupDurationSecs"),
      "a consistent hash has no slow start",
    );
  }
  const hash = hashKey(consistentHash, at(place, "consistentHash"));
  return { type: "ConsistentHash", ...(hash && { consistentHash: hash }), ...common };
}

function warmup({ warmup, warmupDurationSecs }: LoadBalancerSettings): LoadBalancer["slowStart"] {
  const duration = warmup?.duration ?? warmupDurationSecs;
  if (duration === undefined) return undefined;
  const { minimumPercent, aggression } = warmup ?? {};
  return {
    window: nativeDuration(duration),
    ...(minimumPercent !== undefined && { minWeightPercent: Math.round(minimumPercent) }),
    ...(aggression !== undefined && { aggression: Math.max(0.01, aggression) }),
  };
}

function hashKey(hash: ConsistentHash, place: Place): LoadBalancer["consistentHash"] {
  const { httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName } = hash;
  noteTable(hash, place);
  const keys = [httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName];
  if (keys.filter((key) => key !== undefined).length > 1) {
    invalid(place, "expected one of httpHeaderName, httpCookie, useSourceIp, httpQueryParameterName");
  }
  if (httpHeaderName !== undefined) return { type: "Header", header: { name: httpHeaderName } };
  if (httpQueryParameterName !== undefined) {
    return { type: "QueryParam", queryParam: { name: httpQueryParameterName } };
  }
  if (httpCookie) return { type: "Cookie", cookie: hashCookie(httpCookie, at(place, "httpCookie")) };
  if (useSourceIp === undefined) {
    const message =
      "without a key Istio hashes nothing and picks at random; here the client's address counts";
    approximated(place, message, "Write httpHeaderName, httpCookie, useSourceIp or httpQueryParameterName.");
  }
  return { type: "SourceIP" };
}

/** The table of either algorithm has its own size here. */
function noteTable({ ringHash, maglev, minimumRingSize }: ConsistentHash, place: Place): void {
  const message = "the size of the table is the gateway's own";
  if (minimumRingSize !== undefined) ignored(at(place, "minimumRingSize"), message);
  if (ringHash?.minimumRingSize !== undefined) ignored(at(place, "ringHash", "minimumRingSize"), message);
  if (maglev?.tableSize !== undefined) ignored(at(place, "maglev", "tableSize"), message);
}

function hashCookie(
  { name, path, ttl, attributes }: NonNullable<ConsistentHash["httpCookie"]>,
  place: Place,
): { name: string; ttl?: string } {
  if (path !== undefined && path !== "/") approximated(at(place, "path"), "the cookie holds for every path");
  if (attributes?.length) ignored(at(place, "attributes"), "the cookie has the gateway's own attributes");
  if (ttl === undefined) return { name };
  const duration = nativeDuration(ttl);
  if (duration !== "0s") return { name, ttl: duration };
  approximated(at(place, "ttl"), "the cookie lives for a day, not as long as the browser is open");
  return { name, ttl: "24h" };
}

function zonePreference(settings: LoadBalancerSettings, place: Place): LoadBalancer["zoneAware"] {
  const { localityLbSetting: locality, zoneAwareLbSetting: zone } = settings;
  if (locality?.distribute?.length) {
    const message = "shares between regions and zones are not kept: every zone's endpoints count alike";
    ignored(at(place, "localityLbSetting", "distribute"), message);
  }
  const [name, setting] = locality ? ["localityLbSetting", locality] : ["zoneAwareLbSetting", zone];
  if (!setting || setting.enabled === false || locality?.distribute?.length) return undefined;
  for (const field of ["failover", "failoverPriority"] as const) {
    if (!setting[field]?.length) continue;
    const message = "endpoints of the gateway's zone go first, then all others alike";
    approximated(
      at(place, name as string, field),
      message,
      "Tell the gateway its zone: `isthmus serve --zone`.",
    );
  }
  return {
    preferLocal: {
      ...(zone?.minClusterSize !== undefined && {
        minEndpointsThreshold: Math.min(zone.minClusterSize, 65_535),
      }),
    },
  };
}
