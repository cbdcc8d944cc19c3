// RequestMirror: which backends get a copy of a request. The copies' answers are ignored, so they never touch the client.
import type { RequestMirror } from "#contract/request-mirror.ts";
import { compileTarget, type TargetReplacement } from "./target.ts";

export interface MirrorPlan {
  readonly backend: string;
  /** Share of the requests, 0 to 1. */
  readonly share: number;
  /** Host of the copy, lower case. Absent: the request's. */
  readonly hostname?: string;
  /** Path and query of the copy. Absent: the request's. */
  readonly target?: TargetReplacement;
}

export function compileMirror({
  backendRef,
  percent,
  fraction,
  hostname,
  target,
}: RequestMirror): MirrorPlan {
  const share = fraction ? fraction.numerator / fraction.denominator : (percent ?? 100) / 100;
  return {
    backend: backendRef.name,
    share,
    ...(hostname !== undefined && { hostname: hostname.toLowerCase() }),
    ...(target && { target: compileTarget(target) }),
  };
}

/** The mirrors that get a copy of this request; `draw` gives a unit in [0, 1) for each. */
export function pickMirrors<Plan extends MirrorPlan>(mirrors: readonly Plan[], draw: () => number): Plan[] {
  return mirrors.filter(({ share }) => share >= 1 || draw() < share);
}
