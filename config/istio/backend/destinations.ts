// Destinations of routes → backends of the model: one for each host, port and subset, with what DestinationRules say.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { EndpointInput } from "../../kubernetes/services.ts";
import type { Labels } from "../../kubernetes/labels.ts";
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { qualifiedName, type ObjectField } from "../../kubernetes/object.ts";
import { fullHost, serviceOf } from "../host.ts";
import { nativeDuration } from "../go-duration.ts";
import type { DestinationRule } from "../kinds/destination-rule.ts";
import type { MeshDefaults } from "../mesh-config.ts";
import type { Destination } from "../kinds/virtual-service.ts";
import { approximated, at, unknownReference, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { translateClientTls } from "./client-tls.ts";
import { translateConnectionPool } from "./connection-pool.ts";
import {
  createDestinationRules,
  effectivePolicy,
  findSubset,
  type DestinationRules,
  type EffectivePolicy,
  type FoundSubset,
  type Sourced,
} from "./destination-rules.ts";
import { translateLoadBalancer } from "./load-balancer.ts";
import { translateOutlierDetection } from "./outlier-detection.ts";
import { createUpstreams, type Upstream, type Upstreams } from "./upstreams.ts";

export interface Target {
  /** Name of the backend. */
  readonly backend: string;
  /** Absent: nobody answers there. */
  readonly upstream?: Upstream;
  /** Labels of the workloads that answer, beyond the upstream's. */
  readonly subset: Labels;
  /** For connections: `connectTimeout`. */
  readonly connectTimeout?: string;
}

/** What of a DestinationRule's host is asked for. */
export interface RuleUse {
  readonly subsets: Set<string>;
  readonly ports: Set<number>;
}

export interface Destinations {
  readonly upstreams: Upstreams;
  /** DestinationRules that some destination has come by. */
  readonly usedRules: ReadonlyMap<DestinationRule, RuleUse>;
  /** Adds the backend to the model. `place` is the destination's. */
  find(destination: Destination, use: Use, place: Place): Target;
  /** Those that were found so far, each once. */
  targets(): Target[];
}

export interface Use {
  /** Requests, or whole connections. */
  readonly isHttp: boolean;
  /** The requests are calls of gRPC, whatever the port is said to speak. */
  readonly isCall?: boolean;
  /** Where they come in: the port of destinations that have none. */
  readonly listenerPort: number;
  /** Namespace of the VirtualService. */
  readonly client: string;
}

interface Building {
  readonly context: ImportContext;
  /** Where no DestinationRule has one. */
  readonly connectTimeout: string | undefined;
  readonly upstreams: Upstreams;
  readonly rules: DestinationRules;
  readonly usedRules: Map<DestinationRule, RuleUse>;
  /** Who answers, by the backend's name. */
  readonly owners: Map<string, string>;
}

export function createDestinations(context: ImportContext, defaults: MeshDefaults): Destinations {
  const { set, services } = context;
  const building: Building = {
    context,
    upstreams: createUpstreams(set, services, defaults.exportTo.services),
    rules: createDestinationRules(set, defaults.exportTo.destinationRules),
    connectTimeout: defaults.connectTimeout,
    usedRules: new Map(),
    owners: new Map(),
  };
  const targets = new Map<string, Target>();
  return {
    upstreams: building.upstreams,
    usedRules: building.usedRules,
    targets: () => [...targets.values()],
    find: (destination, use, place) => {
      const host = fullHost(destination.host, use.client);
      const upstream = building.upstreams.find(host, destination.port?.number, use.listenerPort, use.client);
      const target =
        typeof upstream === "string"
          ? nowhere(destination, host, upstream, use, place, building)
          : reach(destination, host, upstream, use, place, building);
      targets.set(target.backend, target);
      return target;
    },
  };
}

/** A cluster that Envoy does not know: 503. */
function nowhere(
  { port, subset }: Destination,
  host: string,
  reason: string,
  use: Use,
  place: Place,
  { context, owners }: Building,
): Target {
  unknownReference(at(place, "host"), `${reason}: requests are answered 503`);
  const name = backendName(host, port?.number ?? use.listenerPort, subset, use);
  // What one namespace does not see another one may have: the name is theirs.
  const owner = serviceOf(host)?.namespace ?? use.client;
  const backend = ownName(owner === use.client ? name : `${name}/for/${use.client}`, "none", owners);
  context.parts.addBackend(backend, () => ({ name: backend, protocol: use.isHttp ? "HTTP" : "TCP" }), place);
  return { backend, subset: {} };
}

function reach(
  destination: Destination,
  host: string,
  upstream: Upstream,
  use: Use,
  place: Place,
  building: Building,
): Target {
  const { context, rules, usedRules, owners } = building;
  const held = rules.of(host, use.client, upstream.namespace);
  for (const rule of held) noteUse(rule, destination.subset, upstream.port, usedRules);
  const subset = destination.subset === undefined ? undefined : findSubset(held, destination.subset);
  if (destination.subset !== undefined && !subset) {
    const message = `no DestinationRule for ${host} has the subset ${JSON.stringify(destination.subset)}: requests are answered 503`;
    unknownReference(at(place, "subset"), message);
  }
  // Rules of the client's own namespace hold for its routes alone.
  const owner = held[0]?.namespace ?? upstream.namespace;
  const of = owner === upstream.namespace ? "" : owner;
  const name = backendName(host, upstream.port, destination.subset, use, of);
  const backend = ownName(name, qualifiedName(upstream), owners);
  const policy = effectivePolicy(held, upstream.port, subset);
  const connectTimeout = connectTimeoutOf(policy, building.connectTimeout);
  const isKnown = destination.subset === undefined || subset !== undefined;
  context.parts.addBackend(
    backend,
    () => ({
      name: backend,
      ...(upstream.tunnel !== undefined && { tunnel: upstream.tunnel }),
      endpoints: isKnown ? endpointsOf(upstream, subset, place) : [],
      ...policyFields(policy, upstream, use, connectTimeout, context),
    }),
    upstream.origin ?? place,
    originsOf(policy),
  );
  return {
    backend,
    upstream,
    subset: subset?.subset.labels ?? {},
    ...(connectTimeout !== undefined && { connectTimeout }),
  };
}

function noteUse(
  rule: DestinationRule,
  subset: string | undefined,
  port: number,
  uses: Map<DestinationRule, RuleUse>,
): void {
  const use = uses.get(rule) ?? { subsets: new Set(), ports: new Set() };
  uses.set(rule, use);
  use.ports.add(port);
  if (subset !== undefined) use.subsets.add(subset);
}

function endpointsOf(upstream: Upstream, subset: FoundSubset | undefined, place: Place): EndpointInput[] {
  const labels = subset?.subset.labels ?? {};
  const endpoints = upstream.endpoints(Object.keys(labels).length === 0 ? undefined : labels);
  if (subset && endpoints.length === 0) {
    const message = `no endpoint in the files has the labels of subset ${JSON.stringify(subset.subset.name)}: requests are answered 503`;
    const remedy = "Add the EndpointSlices and Pods: kubectl get endpointslices,pods -o yaml.";
    const field: Place = { ...place, object: subset.rule.object, path: [...subset.path, "labels"] };
    unknownReference(field, message, remedy);
  }
  return endpoints;
}

/** `istio/shop/reviews/9080/v2`, `istio/api.example.com/443`. */
function backendName(
  host: string,
  port: number,
  subset: string | undefined,
  { isHttp, isCall = false }: Use,
  rulesOf = "",
): string {
  const found = /^([^.]+)\.([^.]+)\.svc\.cluster\.local$/.exec(host);
  const place = found
    ? `${found[2]}/${found[1]}`
    : host.replace("*", "wildcard").replace(/[^A-Za-z0-9._-]/g, "-");
  const prefix = isCall ? "istio-grpc" : isHttp ? "istio" : "istio-tcp";
  const parts = [prefix, place, port, subset?.replace(/[^A-Za-z0-9._-]/g, "-")];
  const name = parts.filter((part) => part !== undefined && part !== "").join("/");
  return rulesOf === "" ? name : `${name}/of/${rulesOf}`;
}

/** Of one host namespaces may see different ServiceEntries, or none: none of them gets what another one's route has found. */
function ownName(name: string, owner: string, owners: Map<string, string>): string {
  const first = owners.get(name) ?? owner;
  owners.set(name, first);
  return first === owner ? name : `${name}/at/${owner}`;
}

/** Fields of a backend, and the part of the policy that each comes from. */
function originsOf(policy: EffectivePolicy): Partial<Record<keyof BackendInput, ObjectField>> {
  const { loadBalancer, connectionPool, outlierDetection, tls, proxyProtocol, retryBudget } = policy;
  return {
    ...(tls && { protocol: tls, tls }),
    ...(loadBalancer && { loadBalancer }),
    ...(outlierDetection && { healthCheck: outlierDetection }),
    ...(connectionPool && { circuitBreaker: connectionPool }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(retryBudget && { retryConstraint: retryBudget }),
  };
}

function policyFields(
  policy: EffectivePolicy,
  upstream: Upstream,
  { isHttp, isCall = false }: Use,
  connectTimeout: string | undefined,
  { set, notes }: ImportContext,
): Partial<BackendInput> {
  const placeOf = (part: Sourced<unknown>): Place => ({ ...part, notes });
  const { loadBalancer, connectionPool, outlierDetection, tls, proxyProtocol, retryBudget, tunnel } = policy;
  if (tunnel) unsupported(placeOf(tunnel), "connections are not tunnelled through another proxy");
  const inTls = tls && translateClientTls(tls.value, upstream, set, placeOf(tls));
  const isTls = inTls !== undefined;
  const protocol = isHttp ? httpProtocol(upstream, isCall, isTls) : isTls ? "TLS" : "TCP";
  const ownTls = isTls && Object.keys(inTls).length > 0;
  // Routes of connections have their own.
  const hasTimeout = isHttp || ownTls || upstream.tunnel !== undefined;
  const breaker =
    connectionPool && translateConnectionPool(connectionPool.value, isHttp, placeOf(connectionPool));
  return {
    protocol,
    ...(ownTls && { tls: inTls }),
    ...(hasTimeout && connectTimeout !== undefined && { timeout: { tcp: { connectTimeout } } }),
    loadBalancer: loadBalancer
      ? translateLoadBalancer(loadBalancer.value, placeOf(loadBalancer))
      : { type: "LeastRequest" },
    ...(outlierDetection && {
      healthCheck: translateOutlierDetection(outlierDetection.value, placeOf(outlierDetection)),
    }),
    ...(breaker && Object.keys(breaker).length > 0 && { circuitBreaker: breaker }),
    ...(proxyProtocol && { proxyProtocol: { version: proxyProtocol.value.version ?? "V1" } }),
    ...(retryBudget && isHttp && { retryConstraint: budgetOf(retryBudget, placeOf) }),
  };
}

function httpProtocol(
  { protocol }: Upstream,
  isCall: boolean,
  isTls: boolean,
): NonNullable<BackendInput["protocol"]> {
  if (isCall || protocol === "grpc") return isTls ? "GRPCS" : "GRPC";
  if (protocol === "http2" || protocol === "h2c") return isTls ? "H2" : "H2C";
  return isTls ? "HTTPS" : "HTTP";
}

/** Zero means the default. */
function connectTimeoutOf(
  { connectionPool }: EffectivePolicy,
  ofMesh: string | undefined,
): string | undefined {
  const timeout = connectionPool?.value.tcp?.connectTimeout ?? ofMesh;
  const native = timeout === undefined ? "0s" : nativeDuration(timeout);
  return native === "0s" ? undefined : native;
}

function budgetOf(
  { value, ...field }: NonNullable<EffectivePolicy["retryBudget"]>,
  placeOf: (part: Sourced<unknown>) => Place,
): NonNullable<BackendInput["retryConstraint"]> {
  const { percent = 20, minRetryConcurrency, budgetInterval } = value;
  if (minRetryConcurrency !== undefined) {
    const message = "retries that are always allowed are counted per second, not by how many are under way";
    approximated(at(placeOf({ value, ...field }), "minRetryConcurrency"), message);
  }
  const interval = budgetInterval === undefined ? "0s" : nativeDuration(budgetInterval);
  return {
    budget: { percent: Math.round(percent), ...(interval !== "0s" && { interval }) },
    minRetryRate: { count: Math.min(minRetryConcurrency ?? 3, 1_000_000) },
  };
}
