// `trafficPolicy.outlierDetection` → passive health checks, with Istio's defaults where Envoy Gateway's differ.
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { nativeDuration } from "../go-duration.ts";
import type { OutlierDetection } from "../kinds/destination-rule.ts";
import { approximated, at, invalid, type Place } from "../../kubernetes/field-notes.ts";

type HealthCheck = NonNullable<BackendInput["healthCheck"]>;

/** As `applyOutlierDetection`: 5xx in a row count unless set to 0, gateway errors only if set. */
export function translateOutlierDetection(outlier: OutlierDetection, place: Place): HealthCheck {
  const codes = outlier.outlierDetectionHttpErrorCodes;
  if (codes?.length) {
    const message = "errors are the statuses from 500 on";
    approximated(at(place, "outlierDetectionHttpErrorCodes"), message);
  }
  if (outlier.consecutiveErrors !== undefined) {
    const message = "Istio has removed the field and counts nothing by it";
    invalid(
      at(place, "consecutiveErrors"),
      message,
      "Write consecutive5xxErrors or consecutiveGatewayErrors.",
    );
  }
  const split = outlier.splitExternalLocalOriginErrors ?? false;
  const failures = split ? outlier.consecutiveLocalOriginFailures : undefined;
  const duration = (text: string): string | undefined => {
    const native = nativeDuration(text);
    return native === "0s" ? undefined : native;
  };
  const interval = duration(outlier.interval ?? "10s");
  const base = duration(outlier.baseEjectionTime ?? "30s");
  return {
    passive: {
      ...given("consecutive5xxErrors", outlier.consecutive5xxErrors),
      ...given("consecutiveGatewayErrors", outlier.consecutiveGatewayErrors),
      ...(split && { splitExternalLocalOriginErrors: true }),
      ...given("consecutiveLocalOriginFailures", failures),
      ...(interval !== undefined && { interval }),
      ...(base !== undefined && { baseEjectionTime: base }),
      ...given("maxEjectionPercent", outlier.maxEjectionPercent || undefined),
    },
    ...given("panicThreshold", outlier.minHealthPercent || undefined),
  };
}

function given<Name extends string>(name: Name, value: number | undefined): Partial<Record<Name, number>> {
  return value === undefined ? {} : ({ [name]: Math.min(value, 1_000_000) } as Record<Name, number>);
}
