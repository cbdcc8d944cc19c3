// What importers add to the model, each part with the field of the object that it comes from.
import type { NativeConfigInput } from "../native/schema.ts";
import { formatPath, type Locate, type Path } from "../report.ts";
import { originOf, type KubernetesObject, type ObjectField } from "./object.ts";

type ListenerInput = NonNullable<NativeConfigInput["listeners"]>[number];
type RouteInput = NonNullable<NativeConfigInput["routes"]>[number];
type TcpRouteInput = NonNullable<NativeConfigInput["tcpRoutes"]>[number];
type TlsRouteInput = NonNullable<NativeConfigInput["tlsRoutes"]>[number];
type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type RateLimitPolicyInput = NonNullable<NativeConfigInput["rateLimitPolicies"]>[number];

export type { BackendInput, ListenerInput, RateLimitPolicyInput, RouteInput, TcpRouteInput, TlsRouteInput };

export interface ModelParts {
  /** Names are unique across importers: the caller makes them of namespace and name. */
  addListener(listener: ListenerInput, origin: ObjectField): void;
  /** `rules`: where each rule comes from, in order; the whole route where one is missing. */
  addRoute(route: RouteInput, origin: ObjectField, rules?: readonly ObjectField[]): void;
  addTcpRoute(route: TcpRouteInput, origin: ObjectField): void;
  addTlsRoute(route: TlsRouteInput, origin: ObjectField): void;
  /**
   * A backend that is there already stays as it is: several rules share one. `fields`: where those of its fields come
   * from that another object than `origin` sets.
   */
  addBackend(
    name: string,
    make: () => BackendInput,
    origin: ObjectField,
    fields?: Readonly<Partial<Record<keyof BackendInput, ObjectField>>>,
  ): void;
  addRateLimitPolicy(policy: RateLimitPolicyInput, origin: ObjectField): void;
  readonly config: NativeConfigInput;
  /** Places of the model's parts: those of their objects. */
  readonly locate: Locate;
  /** The object that a part of the model comes from. */
  objectAt(path: Path): KubernetesObject | undefined;
}

export function createModelParts(): ModelParts {
  const listeners: ListenerInput[] = [];
  const routes: RouteInput[] = [];
  const tcpRoutes: TcpRouteInput[] = [];
  const tlsRoutes: TlsRouteInput[] = [];
  const backends: BackendInput[] = [];
  const rateLimitPolicies: RateLimitPolicyInput[] = [];
  const backendNames = new Set<string>();
  const origins = new Map<string, ObjectField>();
  const add = <T>(list: string, items: T[], item: T, origin: ObjectField): number => {
    origins.set(formatPath([list, items.length]), origin);
    return items.push(item) - 1;
  };
  const fieldAt = (path: Path): ObjectField | undefined => {
    for (let length = path.length; length > 0; length -= 1) {
      const origin = origins.get(formatPath(path.slice(0, length)));
      if (origin) return origin;
    }
    return undefined;
  };
  return {
    addListener: (listener, origin) => void add("listeners", listeners, listener, origin),
    addRoute: (route, origin, rules = []) => {
      const index = add("routes", routes, route, origin);
      rules.forEach((rule, at) => origins.set(formatPath(["routes", index, "rules", at]), rule));
    },
    addTcpRoute: (route, origin) => void add("tcpRoutes", tcpRoutes, route, origin),
    addTlsRoute: (route, origin) => void add("tlsRoutes", tlsRoutes, route, origin),
    addBackend: (name, make, origin, fields = {}) => {
      if (backendNames.has(name)) return;
      backendNames.add(name);
      const index = add("backends", backends, make(), origin);
      for (const [field, from] of Object.entries(fields)) {
        origins.set(formatPath(["backends", index, field]), from);
      }
    },
    addRateLimitPolicy: (policy, origin) => void add("rateLimitPolicies", rateLimitPolicies, policy, origin),
    config: { listeners, routes, tcpRoutes, tlsRoutes, backends, rateLimitPolicies },
    locate: (path, at) => {
      const field = fieldAt(path);
      return field ? originOf(field, at) : { file: "", path, line: 0, column: 0 };
    },
    objectAt: (path) => fieldAt(path)?.object,
  };
}
