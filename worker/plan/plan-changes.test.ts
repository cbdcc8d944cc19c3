// A gateway that takes one version after the other, through random sequences of changes: it answers like one that has just
// started, and compiles no more than what has changed.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { filterSchema } from "#contract/http-route.ts";
import { SnapshotLines } from "#contract/snapshot-lines.ts";
import { parseSnapshotLines, SnapshotReader } from "#contract/snapshot-reader.ts";
import type { Snapshot, SnapshotBackend, SnapshotRoute, VersionedSnapshot } from "#contract/snapshot.ts";
import { allAtOnce } from "#contract/steps.ts";
import { createApp } from "../app.ts";
import type { Env } from "../env.ts";
import { ErrorCounters } from "../report/error-counters.ts";
import { lineByLine } from "../report/line-log.ts";
import type { Isolate } from "../state/isolate.ts";
import { quietIsolate, testBackend, testSnapshot } from "../testing/test-gateway.ts";
import type { SnapshotPlan } from "./snapshot-plan.ts";

const timeout = 60_000;
const backendNames = ["w", "x", "y", "z"] as const;
const name = fc.constantFrom(...backendNames);
const host = fc.constantFrom("a.test", "b.test", "*.test", "c.a.test");

const filter = fc
  .oneof(
    name.map((it) => ({ type: "RequestMirror", requestMirror: { backendRef: { name: it } } })),
    name.map((it) => {
      const match = { statusCodes: [{ type: "Value", value: 503 }] };
      return {
        type: "ResponseOverride",
        responseOverride: [{ match, response: { backendRef: { name: it } } }],
      };
    }),
    fc.constantFrom("1", "2").map((value) => ({
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "x-set", value }] },
    })),
  )
  .map((it) => filterSchema.parse(it));
const rule = fc.record({
  path: fc.constantFrom("/", "/one", "/two"),
  filters: fc.array(filter, { maxLength: 2 }),
  refs: fc.array(fc.option(name), { maxLength: 2 }),
  timeoutMs: fc.option(fc.constantFrom(5_000, 6_000)),
});
const route = fc.record({
  hostnames: fc.uniqueArray(host, { maxLength: 2 }),
  rules: fc.array(rule, { minLength: 1, maxLength: 2 }),
  denies: fc.boolean(),
});
const change = fc.record({
  routes: fc.array(fc.tuple(fc.constantFrom("r1", "r2", "r3", "r4"), fc.option(route)), { maxLength: 3 }),
  /** The port of its endpoint; null: the backend goes. */
  backends: fc.array(fc.tuple(name, fc.option(fc.constantFrom(1, 2))), { maxLength: 2 }),
  tunnel: fc.option(name),
  spans: fc.boolean(),
});
type Route = typeof route extends fc.Arbitrary<infer T> ? T : never;

function routeOf(routeName: string, { hostnames, rules, denies }: Route): SnapshotRoute {
  const [of] = testSnapshot(
    rules.map(({ path, filters, refs, timeoutMs }) => ({
      matches: [{ path: { type: "PathPrefix", value: path }, headers: [], queryParams: [] }],
      filters,
      // Draws go on where they were, so that they must not decide anything.
      backendRefs: refs.map((backend, index) => ({ backend, weight: index === 0 ? 1 : 0, filters: [] })),
      timeouts: timeoutMs === null ? {} : { requestMs: timeoutMs },
    })),
  ).routes;
  const securityPolicy = { clientCIDRs: { allow: [], deny: ["0.0.0.0/0"] } };
  return {
    ...of!,
    name: routeName,
    hostnames,
    rules: of!.rules.map((it, index) => ({ ...it, id: `${routeName}/${index}` })),
    ...(denies && { securityPolicy }),
  } as SnapshotRoute;
}

/** Versions, each made from the one before by a change. */
function* versionsOf(changes: readonly (typeof change extends fc.Arbitrary<infer T> ? T : never)[]) {
  const routes = new Map<string, SnapshotRoute>();
  const backends = new Map<string, SnapshotBackend>(backendNames.map((it) => [it, testBackend(it, 1)]));
  for (const [index, { routes: put, backends: others, tunnel, spans }] of changes.entries()) {
    for (const [it, input] of put) {
      if (input) routes.set(it, routeOf(it, input));
      else routes.delete(it);
    }
    for (const [it, port] of others) {
      if (port === null) backends.delete(it);
      else backends.set(it, testBackend(it, port));
    }
    if (tunnel !== null) backends.set(tunnel, { ...testBackend(tunnel, 1), tunnel: "prod" });
    const snapshot: Snapshot = {
      ...testSnapshot([], []),
      routes: sorted(routes),
      backends: sorted(backends),
    };
    const tracing = { samplingRate: 0, otlpEndpoint: "http://127.0.0.1:1/" };
    if (spans) snapshot.settings = { ...snapshot.settings, tracing };
    yield { version: index + 1, hash: `sha256:${String(index).padStart(64, "0")}`, snapshot };
  }
}

const sorted = <Item>(items: ReadonlyMap<string, Item>): Item[] =>
  [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);

/** What a client gets for a request, and what arrives at endpoints for it. */
async function asked(plan: SnapshotPlan, arrived: string[], url: string): Promise<unknown> {
  const isolate = { ready: () => plan, errors: new ErrorCounters(), accessLog: lineByLine };
  const pending: Promise<unknown>[] = [];
  const app = createApp(() => isolate as unknown as Isolate);
  const context = { waitUntil: (it: Promise<unknown>) => void pending.push(it), props: {} };
  arrived.length = 0;
  const request = new Request(url, { headers: { host: new URL(url).host } });
  const response = await app.fetch(request, {} as Env, context as unknown as ExecutionContext);
  const answer = [response.status, response.headers.get("isthmus-error"), await response.text()];
  await Promise.all(pending);
  return { answer, arrived: arrived.toSorted() };
}

const urls = ["a.test", "b.test", "c.a.test", "none.example"].flatMap((it) =>
  ["/", "/one/x", "/two"].map((path) => `http://${it}${path}`),
);

test(
  "it answers like one that has just started, and what has not changed is the same object",
  { timeout },
  async () => {
    const arrived: string[] = [];
    const { compile } = quietIsolate({
      origin: async (request, endpointId) => {
        arrived.push(`${endpointId} ${new URL(request.url).pathname} ${request.headers.get("x-set")}`);
        return new Response(endpointId, { status: endpointId.endsWith(":2") ? 503 : 200 });
      },
      hub: (request, hub) => {
        arrived.push(`${hub.replace(/:.*/, "")} ${new URL(request.url).pathname}`);
        return new Response("tunnel");
      },
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 2, maxLength: 6 }), async (changes) => {
        const reader = new SnapshotReader();
        let lines: SnapshotLines | undefined;
        let plan: SnapshotPlan | undefined;
        let held: VersionedSnapshot | undefined;
        for (const version of versionsOf(changes)) {
          const next = SnapshotLines.of(version);
          const before = { plan, held };
          held = allAtOnce(reader.read(lines ? next.changeText(lines) : next.text()));
          lines = next;
          plan = allAtOnce(compile(held, before.plan));
          expectKept(plan, before.plan, held, before.held);
          const anew = allAtOnce(compile(parseSnapshotLines(next.text()), undefined));
          for (const url of urls) {
            expect(await asked(plan, arrived, url)).toEqual(await asked(anew, arrived, url));
          }
        }
      }),
      { numRuns: 60 },
    );
  },
);

test("rules that stay are not read again, and taking them over pauses every thousand or so", () => {
  const count = 5_000;
  const read = new Set<string>();
  const routes = Array.from({ length: count }, (_, index) => {
    const name = `r${String(index).padStart(4, "0")}`;
    const it = routeOf(name, {
      hostnames: [`${name}.test`],
      rules: [{ path: "/", filters: [], refs: ["w"], timeoutMs: null }],
      denies: false,
    });
    return { ...it, rules: it.rules.map((rule) => watched(rule, () => read.add(name))) };
  });
  const first: Snapshot = { ...testSnapshot([], []), routes, backends: [testBackend("w", 1)] };
  const { compile } = quietIsolate({});
  const plan = allAtOnce(compile({ version: 1, hash: "sha256:1", snapshot: first }, undefined));
  expect(read.size).toBe(count);

  read.clear();
  const changed = { ...routes[7]!, rules: routes[7]!.rules.map((rule) => ({ ...rule })) };
  read.clear();
  const snapshot = { ...first, routes: routes.with(7, changed) };
  let pauses = 0;
  for (const _pause of compile({ version: 2, hash: "sha256:2", snapshot }, plan)) pauses += 1;
  expect([...read]).toEqual([]);
  // Their matches, their hosts, the rules of those, their handlers.
  const walks = 4;
  expect(pauses).toBeGreaterThan((walks - 1) * Math.floor(count / 1_024));
});

/** The rule, which tells when somebody looks at where it leads. */
function watched(rule: SnapshotRoute["rules"][number], tell: () => void): SnapshotRoute["rules"][number] {
  const { backendRefs, ...rest } = rule;
  return Object.defineProperty({ ...rest } as typeof rule, "backendRefs", {
    enumerable: true,
    get: () => {
      tell();
      return backendRefs;
    },
  });
}

function expectKept(
  plan: SnapshotPlan,
  before: SnapshotPlan | undefined,
  { snapshot }: VersionedSnapshot,
  held: VersionedSnapshot | undefined,
): void {
  for (const backend of snapshot.backends) {
    const isSame = held?.snapshot.backends.includes(backend) === true;
    expect(plan.backends.get(backend.name) === before?.backends.get(backend.name)).toBe(isSame);
  }
  for (const it of snapshot.routes) {
    for (const rule of it.rules) {
      const compiled = plan.rules.get(rule)!;
      for (const [named, backend] of compiled.backends) expect(plan.backends.get(named)).toBe(backend);
      const kept = before?.rules.get(rule);
      if (!kept || before?.spans !== plan.spans) continue;
      const names = backendNames.filter((named) => JSON.stringify(rule).includes(`"${named}"`));
      const isSame = names.every((named) => plan.backends.get(named) === before.backends.get(named));
      expect(compiled === kept).toBe(isSame);
    }
  }
}
