// RequestMirror: which backends get a copy of a request. The copies' answers are ignored, so they never touch the client.
import type { RequestMirror } from "#contract/request-mirror.ts";

export interface MirrorPlan {
  readonly backend: string;
  /** Share of the requests, 0 to 1. */
  readonly share: number;
}

export function compileMirror({ backendRef, percent, fraction }: RequestMirror): MirrorPlan {
  const share = fraction ? fraction.numerator / fraction.denominator : (percent ?? 100) / 100;
  return { backend: backendRef.name, share };
}

/** Names of the backends that get a copy of this request; `draw` gives a unit in [0, 1) for each mirror. */
export function pickMirrors(mirrors: readonly MirrorPlan[], draw: () => number): string[] {
  return mirrors.filter(({ share }) => share >= 1 || draw() < share).map(({ backend }) => backend);
}
