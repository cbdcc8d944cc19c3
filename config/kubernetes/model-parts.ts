// What importers add to the model, each part with the field of the object that it comes from.
import type { NativeConfigInput } from "../native/schema.ts";
import { formatPath, type Locate, type Path } from "../report.ts";
import type { Labels } from "./labels.ts";
import { originOf, type KubernetesObject, type ObjectField } from "./object.ts";

type ListenerInput = NonNullable<NativeConfigInput["listeners"]>[number];
type RouteInput = NonNullable<NativeConfigInput["routes"]>[number];
type TcpRouteInput = NonNullable<NativeConfigInput["tcpRoutes"]>[number];
type TlsRouteInput = NonNullable<NativeConfigInput["tlsRoutes"]>[number];
type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
type ClientIPDetectionInput = NonNullable<NativeConfigInput["clientIPDetection"]>;
type RateLimitPolicyInput = NonNullable<NativeConfigInput["rateLimitPolicies"]>[number];

export type { BackendInput, ListenerInput, RateLimitPolicyInput, RouteInput, TcpRouteInput, TlsRouteInput };

/** A workload at which requests of a route come in, as policies of another importer may name it. */
export interface Gate {
  readonly namespace: string;
  readonly labels: Labels;
  readonly port: number;
  /** Of the Gateway API. */
  readonly gatewayName?: string;
}

/** The Service that a backend stands for. */
export interface ServicePortId {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export type RuleFields = Readonly<Partial<Record<keyof RouteInput["rules"][number], ObjectField>>>;

export interface ModelParts {
  /** Names are unique across importers: the caller makes them of namespace and name. */
  addListener(listener: ListenerInput, origin: ObjectField): void;
  /**
   * `rules`: where each rule comes from, in order; the whole route where one is missing. `ruleFields`: where those of its
   * fields come from that another object sets.
   */
  addRoute(
    route: RouteInput,
    origin: ObjectField,
    rules?: readonly ObjectField[],
    gates?: readonly Gate[],
    ruleFields?: readonly RuleFields[],
  ): void;
  addTcpRoute(route: TcpRouteInput, origin: ObjectField, gates?: readonly Gate[]): void;
  addTlsRoute(route: TlsRouteInput, origin: ObjectField, gates?: readonly Gate[]): void;
  /**
   * A backend that is there already stays as it is: several rules share one. `fields`: where those of its fields come
   * from that another object than `origin` sets.
   */
  addBackend(
    name: string,
    make: () => BackendInput,
    origin: ObjectField,
    fields?: Readonly<Partial<Record<keyof BackendInput, ObjectField>>>,
    service?: ServicePortId,
  ): void;
  /** Where requests or connections of a route come in, as far as its importer has said it. */
  gatesOf(route: object): readonly Gate[];
  /** `undefined`: the backend's importer has not said it. */
  serviceOf(backend: string): ServicePortId | undefined;
  addRateLimitPolicy(policy: RateLimitPolicyInput, origin: ObjectField): void;
  /** Of the whole configuration; the first word counts. */
  setClientIPDetection(detection: ClientIPDetectionInput, origin: ObjectField): void;
  readonly config: NativeConfigInput;
  /** Places of the model's parts: those of their objects. */
  readonly locate: Locate;
  /** The object that a part of the model comes from, and its field. */
  fieldAt(path: Path): ObjectField | undefined;
  objectAt(path: Path): KubernetesObject | undefined;
}

export function createModelParts(): ModelParts {
  const lists = emptyLists();
  const config: NativeConfigInput = lists;
  const backendNames = new Set<string>();
  const gatesByRoute = new Map<object, readonly Gate[]>();
  const servicesByBackend = new Map<string, ServicePortId>();
  const origins = new Map<string, ObjectField>();
  const add = <K extends keyof Lists>(list: K, item: Lists[K][number], origin: ObjectField): number => {
    const items: unknown[] = lists[list];
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
    addListener: (listener, origin) => void add("listeners", listener, origin),
    addRoute: (route, origin, rules = [], gates = [], ruleFields = []) => {
      gatesByRoute.set(route, gates);
      const index = add("routes", route, origin);
      rules.forEach((rule, at) => origins.set(formatPath(["routes", index, "rules", at]), rule));
      ruleFields.forEach((fields, at) => {
        for (const [name, field] of Object.entries(fields))
          origins.set(formatPath(["routes", index, "rules", at, name]), field);
      });
    },
    addTcpRoute: (route, origin, gates = []) => {
      gatesByRoute.set(route, gates);
      add("tcpRoutes", route, origin);
    },
    addTlsRoute: (route, origin, gates = []) => {
      gatesByRoute.set(route, gates);
      add("tlsRoutes", route, origin);
    },
    addBackend: (name, make, origin, fields = {}, service = undefined) => {
      if (backendNames.has(name)) return;
      backendNames.add(name);
      if (service) servicesByBackend.set(name, service);
      const index = add("backends", make(), origin);
      for (const [field, from] of Object.entries(fields)) {
        origins.set(formatPath(["backends", index, field]), from);
      }
    },
    addRateLimitPolicy: (policy, origin) => void add("rateLimitPolicies", policy, origin),
    gatesOf: (route) => gatesByRoute.get(route) ?? [],
    serviceOf: (backend) => servicesByBackend.get(backend),
    setClientIPDetection: (detection, origin) => {
      if (config.clientIPDetection) return;
      config.clientIPDetection = detection;
      origins.set(formatPath(["clientIPDetection"]), origin);
    },
    config,
    locate: (path, at) => {
      const field = fieldAt(path);
      return field ? originOf(field, at) : { file: "", path, line: 0, column: 0 };
    },
    fieldAt,
    objectAt: (path) => fieldAt(path)?.object,
  };
}

type Lists = ReturnType<typeof emptyLists>;

function emptyLists() {
  return {
    listeners: [] as ListenerInput[],
    routes: [] as RouteInput[],
    tcpRoutes: [] as TcpRouteInput[],
    tlsRoutes: [] as TlsRouteInput[],
    backends: [] as BackendInput[],
    rateLimitPolicies: [] as RateLimitPolicyInput[],
  };
}
