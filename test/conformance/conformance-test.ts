// What a conformance test is here: the upstream suite's name, manifests of our own that ask the same, and what must come
// out of the running gateway.
import type { Condition, ObjectStatus } from "#config/kubernetes/object-status.ts";
import type { World } from "./world.ts";

export interface Running extends World {
  /** Conditions of an object of the test's namespace: of its parents, or its own. `TYPE=STATUS REASON` each. */
  conditions(kind: string, name: string): string[];
  /** `observedGeneration` of each of them. */
  observedGenerations(kind: string, name: string): number[];
}

export interface ConformanceTest {
  /** `ShortName` of the suite. */
  readonly name: string;
  readonly support: "core" | "extended";
  /** Names of the ports that the manifests need. Default: `http`. */
  readonly ports?: readonly string[];
  readonly manifests: (world: World) => string;
  readonly run: (world: Running) => Promise<void>;
}

/** Those of an object of the namespace, or of another one as `NAMESPACE/NAME`. */
export function conditionsOf(
  statuses: readonly ObjectStatus[],
  namespace: string,
  kind: string,
  name: string,
): Condition[] {
  const found = statuses.find(
    (one) =>
      one.kind === kind &&
      [`${one.namespace}/${one.name}`, ...(one.namespace === namespace ? [one.name] : [])].includes(name),
  );
  const { conditions = [], parents = [], listeners = [] } = found?.status ?? {};
  return [
    ...conditions,
    ...parents.flatMap((parent) => parent.conditions),
    ...listeners.flatMap((listener) => listener.conditions),
  ];
}
