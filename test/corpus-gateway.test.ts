// The corpus through the running gateway: the cases of a format are served together, each on ports of its own, and every
// request of their tables must end up where the table says.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import type { Filter } from "#contract/http-route.ts";
import type { NativeConfig } from "#config/native/schema.ts";
import { askProxy } from "./corpus/ask-proxy.ts";
import { formats, readCases, type CorpusCase } from "./corpus/read-cases.ts";
import { requestsOf } from "./corpus/request-table.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";

interface ServedCase extends CorpusCase {
  readonly model: NativeConfig;
  /** Filled in before the tests run. */
  readonly ports: Map<number, number>;
}

const served = formats.flatMap(readCases).flatMap((one): ServedCase[] => {
  const { model, snapshot } = loadConfig(one.files);
  return model && snapshot && requestsOf(one.table).length > 0 ? [{ ...one, model, ports: new Map() }] : [];
});

describe.each(batches(served))("cases $first to $last", ({ cases }) => {
  const echoes = new Map<string, EchoServer>();
  let system: System;

  beforeAll(async () => {
    for (const name of new Set(cases.flatMap(({ model }) => model.backends.map((backend) => backend.name)))) {
      echoes.set(name, await startEchoServer(name));
    }
    const declared = cases.flatMap((one) => one.model.listeners.map(({ port }) => ({ one, port })));
    const free = await freePorts(declared.length);
    for (const [index, { one, port }] of declared.entries()) one.ports.set(port, free[index]!);
    const models = cases.map((one, index) => localModel(one, `c${index}.`, (name) => echoes.get(name)!.port));
    system = await startSystem(formatConfig(joined(models)), ["--dev-tls", "--processes", "1"]);
  });
  afterAll(async () => {
    await system?.stop();
    await Promise.all([...echoes.values()].map((echo) => echo.stop()));
  });

  describe.each(cases)("$name", ({ table, ports }) => {
    test.each(requestsOf(table).map((request) => [request.text, request] as const))(
      "%s",
      async (_, request) => {
        expect(await askProxy(request, request.expected, ports)).toBe(request.expected);
      },
    );
  });
});

/** As many cases as one configuration has listeners for. */
function batches(cases: readonly ServedCase[]): { first: string; last: string; cases: ServedCase[] }[] {
  const result: ServedCase[][] = [];
  let listeners = Infinity;
  for (const one of cases) {
    listeners += one.model.listeners.length;
    if (listeners > 48) {
      result.push([]);
      listeners = one.model.listeners.length;
    }
    result.at(-1)!.push(one);
  }
  return result.map((batch) => ({ first: batch[0]!.name, last: batch.at(-1)!.name, cases: batch }));
}

/** The model of a case under names of its own, on this machine's ports, with an echo for each backend. */
function localModel(
  { model, ports }: ServedCase,
  prefix: string,
  portOf: (backend: string) => number,
): NativeConfig {
  const own = (name: string): string => prefix + name;
  const rules = model.routes.flatMap((route) => route.rules);
  const asked = new Set(rules.map(({ securityPolicy }) => securityPolicy?.extAuth?.grpc?.backendRef.name));
  return {
    ...model,
    // Tables have requests; connections are tested elsewhere.
    listeners: model.listeners.filter(isHttp).map((listener) => ({
      ...listener,
      ...(listener.tls && { tls: { mode: listener.tls.mode, certificates: [] } }),
      addresses: ["127.0.0.1"],
      name: own(listener.name),
      ...(listener.errorPages !== undefined && { errorPages: own(listener.errorPages) }),
      port: ports.get(listener.port)!,
    })),
    tcpRoutes: [],
    tlsRoutes: [],
    routes: withOwnCounts(model.routes, own).map((route) => ({
      ...route,
      name: own(route.name),
      listeners: (route.listeners ?? model.listeners.filter(isHttp).map(({ name }) => name)).map(own),
      rules: route.rules.map((rule) => ({
        ...rule,
        filters: rule.filters.map((filter) => namedUnder(filter, own)),
        ...(rule.securityPolicy && { securityPolicy: askedUnder(rule.securityPolicy, own) }),
        backendRefs: rule.backendRefs.map(({ preferredEndpoint, ...ref }) => ({
          ...ref,
          name: ref.name && own(ref.name),
          ...(preferredEndpoint && { preferredEndpoint: { address: "127.0.0.1", port: portOf(ref.name!) } }),
        })),
        ...(rule.errorPages !== undefined && { errorPages: own(rule.errorPages) }),
        ...(rule.rateLimit && {
          rateLimit: { ...rule.rateLimit, policies: rule.rateLimit.policies.map(own) },
        }),
      })),
    })),
    backends: model.backends.map(({ name, endpoints: [first] }) => ({
      name: own(name),
      protocol: asked.has(name) ? "GRPC" : "HTTP",
      endpoints: [
        {
          address: "127.0.0.1",
          port: portOf(name),
          weight: 1,
          ...(first?.cookie !== undefined && { cookie: first.cookie }),
        },
      ],
      loadBalancer: { type: "RoundRobin" },
      healthCheck: {},
    })),
    rateLimitPolicies: model.rateLimitPolicies.map((policy) => ({ ...policy, name: own(policy.name) })),
    errorPages: model.errorPages.map((set) => ({ ...set, name: own(set.name) })),
    counterTables: model.counterTables.map((table) => ({ ...table, name: own(table.name) })),
  };
}

/** What counts, and texts with what is counted, name the case's own tables and backends. */
function withOwnCounts<T>(part: T, own: (name: string) => string): T {
  return JSON.parse(JSON.stringify(part), (field, value: Record<string, unknown>) => {
    if (field === "counting")
      return (value as unknown as { table: string }[]).map((one) => ({ ...one, table: own(one.table) }));
    const isOwn = value?.["from"] === "Counter" || value?.["from"] === "EndpointsUp";
    return isOwn ? { ...value, name: own(String(value["name"])) } : value;
  }) as T;
}

/** Filters that name a backend name the case's own. */
function namedUnder(filter: Filter, own: (name: string) => string): Filter {
  if (filter.type === "RequestMirror") {
    const { backendRef } = filter.requestMirror;
    return {
      ...filter,
      requestMirror: { ...filter.requestMirror, backendRef: { name: own(backendRef.name) } },
    };
  }
  if (filter.type !== "ResponseOverride") return filter;
  const responseOverride = filter.responseOverride.map(({ match, response }) => {
    const { backendRef } = response;
    return {
      match,
      response: backendRef ? { ...response, backendRef: { name: own(backendRef.name) } } : response,
    };
  });
  return { ...filter, responseOverride };
}

type SecurityPolicy = NonNullable<NativeConfig["routes"][number]["rules"][number]["securityPolicy"]>;

/** So do authorization servers that are called over gRPC. */
function askedUnder(policy: SecurityPolicy, own: (name: string) => string): SecurityPolicy {
  const { extAuth } = policy;
  if (!extAuth?.grpc) return policy;
  const backendRef = { name: own(extAuth.grpc.backendRef.name) };
  return { ...policy, extAuth: { ...extAuth, grpc: { ...extAuth.grpc, backendRef } } };
}

function isHttp({ protocol }: NativeConfig["listeners"][number]): boolean {
  return protocol === "HTTP" || protocol === "HTTPS";
}

function joined([first, ...others]: readonly NativeConfig[]): NativeConfig {
  return {
    ...first!,
    listeners: [first!, ...others].flatMap(({ listeners }) => listeners),
    routes: [first!, ...others].flatMap(({ routes }) => routes),
    backends: [first!, ...others].flatMap(({ backends }) => backends),
    rateLimitPolicies: [first!, ...others].flatMap(({ rateLimitPolicies }) => rateLimitPolicies),
    errorPages: [first!, ...others].flatMap(({ errorPages }) => errorPages),
    counterTables: [first!, ...others].flatMap(({ counterTables }) => counterTables),
  };
}
