// `fault` → FaultInjection. A share that is not given is none in Istio, and all here.
import { nativeDuration } from "../go-duration.ts";
import type { HttpRoute } from "../kinds/virtual-service.ts";
import { at, ignored, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { Filter } from "./header-changes.ts";

type Fault = NonNullable<HttpRoute["fault"]>;
type FaultInjection = Extract<Filter, { type: "FaultInjection" }>["faultInjection"];

/** https://grpc.github.io/grpc/core/md_doc_statuscodes.html, by number. */
const grpcStatuses = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

export function faultFilter(fault: Fault, place: Place): Filter[] {
  const delay = fault.delay && delayOf(fault.delay, at(place, "delay"));
  const abort = fault.abort && abortOf(fault.abort, at(place, "abort"));
  if (!delay && !abort) return [];
  return [{ type: "FaultInjection", faultInjection: { ...(delay && { delay }), ...(abort && { abort }) } }];
}

function delayOf(delay: NonNullable<Fault["delay"]>, place: Place): FaultInjection["delay"] {
  const { fixedDelay, percentage, percent = 0 } = delay;
  const share = percentage ? (percentage.value ?? 0) : percent;
  if (fixedDelay === undefined) {
    ignored(place, "without fixedDelay Istio delays nothing");
    return undefined;
  }
  if (share === 0) {
    ignored(place, "without a percentage no request is delayed", "Write percentage: { value: 100 }.");
    return undefined;
  }
  return { fixedDelay: nativeDuration(fixedDelay), ...(share !== 100 && { percentage: share }) };
}

function abortOf(abort: NonNullable<Fault["abort"]>, place: Place): FaultInjection["abort"] {
  const { httpStatus, grpcStatus, percentage } = abort;
  const share = percentage?.value ?? 0;
  if (httpStatus === undefined && grpcStatus === undefined) {
    ignored(place, "without httpStatus or grpcStatus Istio aborts nothing");
    return undefined;
  }
  if (share === 0) {
    ignored(place, "without a percentage no request is aborted", "Write percentage: { value: 100 }.");
    return undefined;
  }
  const part = share === 100 ? {} : { percentage: share };
  if (httpStatus !== undefined) return { httpStatus, ...part };
  const number = grpcStatuses.indexOf(grpcStatus!);
  if (number >= 0) return { grpcStatus: number, ...part };
  invalid(
    at(place, "grpcStatus"),
    `expected one of ${grpcStatuses.join(", ")}; found ${JSON.stringify(grpcStatus)}`,
  );
  return undefined;
}
