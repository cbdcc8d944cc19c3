// Rate and concurrency limits as clients meet them: headers, refusals, shadow mode, and who is counted.
import { describe, expect, test } from "vitest";
import type { SnapshotRule } from "#contract/snapshot.ts";
import { ruleConcurrencyLimitSchema, ruleRateLimitSchema } from "#contract/rate-limit.ts";
import { LimiterMachine } from "#traffic/limit/limiter-machine.ts";
import {
  createTestGateway,
  type TestGateway,
  type TestGatewayOptions,
  testSnapshot,
} from "../testing/test-gateway.ts";

const hourly = (requests: number) => ({ requests, windowMs: 3_600_000 });

const rate = (changes: object) =>
  ruleRateLimitSchema.parse({
    id: "l",
    name: "l",
    scope: "global",
    mode: "strict",
    conditions: {},
    ...changes,
  });

const parallel = (changes: object) =>
  ruleConcurrencyLimitSchema.parse({
    id: "p",
    name: "p",
    maxParallelRequests: 2,
    key: [],
    conditions: {},
    shadowMode: false,
    ...changes,
  });

function gatewayWith(rule: Partial<SnapshotRule>, options: TestGatewayOptions = {}): TestGateway {
  const machine = new LimiterMachine(() => undefined);
  return createTestGateway(testSnapshot([rule]), {
    limiter: (_number, call) => Promise.resolve(machine.handle(call, Date.now())),
    ...options,
  });
}

const ask = (gateway: TestGateway, headers: Record<string, string> = {}) =>
  gateway.ask("http://a.example.com/", { headers });

describe.each(["strict", "leased"])("%s", (mode) => {
  test("responses tell the policy and what is left; beyond it is a 429 that says why and for how long", async () => {
    const gateway = gatewayWith({ rateLimits: [rate({ mode, limit: hourly(2) })] });
    const [first, second, third] = [await ask(gateway), await ask(gateway), await ask(gateway)];
    expect([first!.status, second!.status, third!.status]).toEqual([200, 200, 429]);
    expect(first!.headers.get("ratelimit-policy")).toBe('"l";q=2;w=3600');
    expect(first!.headers.get("ratelimit")).toMatch(/^"l";r=1;t=\d+$/);
    expect(third!.headers.get("isthmus-error")).toBe("rate_limited");
    expect(third!.headers.get("ratelimit")).toMatch(/^"l";r=0;t=\d+$/);
    expect(third!.headers.get("ratelimit-policy")).toBe('"l";q=2;w=3600');
    expect(Number(third!.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(third!.headers.get("content-type")).toBe("application/problem+json");
    expect(await third!.json()).toEqual({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      title: "Request cannot be satisfied as assigned quota has been exceeded",
      status: 429,
      code: "rate_limited",
      "violated-policies": ["l"],
    });
  });

  test("where the listener disables the headers, only a refusal tells, and only how long to wait", async () => {
    const snapshot = testSnapshot([{ rateLimits: [rate({ mode, limit: hourly(1) })] }]);
    const listeners = snapshot.listeners.map((one) => ({ ...one, disableRateLimitHeaders: true as const }));
    const machine = new LimiterMachine(() => undefined);
    const gateway = createTestGateway(
      { ...snapshot, listeners },
      { limiter: (_number, call) => Promise.resolve(machine.handle(call, Date.now())) },
    );
    const [first, second] = [await ask(gateway), await ask(gateway)];
    expect([first!.status, second!.status]).toEqual([200, 429]);
    for (const { headers } of [first!, second!]) {
      expect([headers.get("ratelimit"), headers.get("ratelimit-policy")]).toEqual([null, null]);
    }
    expect(Number(second!.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("in shadow mode nobody is refused, and clients see nothing", async () => {
    const gateway = gatewayWith({ rateLimits: [rate({ mode, limit: hourly(1), shadowMode: true })] });
    for (let n = 0; n < 3; n++) {
      const response = await ask(gateway);
      expect(response.status).toBe(200);
      expect(response.headers.get("ratelimit")).toBeNull();
    }
  });

  test("a limit that must be checked and cannot be is a 503", async () => {
    const gateway = gatewayWith(
      { rateLimits: [rate({ mode, limit: hourly(5), onUnavailable: "deny" })] },
      { limiter: () => Promise.reject(new Error("down")) },
    );
    const response = await ask(gateway);
    expect(response.status).toBe(503);
    expect(response.headers.get("isthmus-error")).toBe("rate_limiter_unavailable");
    expect(response.headers.get("retry-after")).toBe("1");
  });
});

test("telling of limits leaves upgrades and compressed bodies as they are", async () => {
  const zipped = new Response("hello").body!.pipeThrough(new CompressionStream("gzip"));
  const bytes = await new Response(zipped).arrayBuffer();
  const rateLimits = [rate({ limit: hourly(9) })];
  const gateway = gatewayWith(
    { rateLimits, concurrencyLimits: [parallel({})] },
    {
      origin: (request) => {
        if (request.headers.get("upgrade") === "websocket") {
          return new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
        }
        return new Response(bytes, { headers: { "content-encoding": "gzip" }, encodeBody: "manual" });
      },
    },
  );
  const upgraded = await ask(gateway, { upgrade: "websocket" });
  expect(upgraded.status).toBe(101);
  expect(upgraded.webSocket).not.toBeNull();
  expect(upgraded.headers.get("ratelimit-policy")).toContain('"l"');
  const compressed = await ask(gateway);
  expect(compressed.headers.get("content-encoding")).toBe("gzip");
  expect(await compressed.arrayBuffer()).toEqual(bytes);
});

test("local limits need no object", async () => {
  const gateway = gatewayWith(
    { rateLimits: [rate({ scope: "local", limit: hourly(2) })] },
    { limiter: () => Promise.reject(new Error("asked")) },
  );
  const statuses = [await ask(gateway), await ask(gateway), await ask(gateway)].map(({ status }) => status);
  expect(statuses).toEqual([200, 200, 429]);
});

test("a limit of errors costs those who cause them, and refuses them whatever they ask for", async () => {
  const limited = {
    rateLimits: [
      rate({
        scope: "local",
        limit: hourly(2),
        key: [{ type: "Header", name: "x-user" }],
        countedStatusCodes: [{ type: "Range", range: { start: 400, end: 499 } }],
      }),
    ],
  };
  let status = 200;
  const gateway = gatewayWith(limited, { origin: () => new Response(null, { status }) });
  const asked = async (user: string): Promise<number> => (await ask(gateway, { "x-user": user })).status;
  expect([await asked("a"), await asked("a"), await asked("a")]).toEqual([200, 200, 200]);
  status = 404;
  expect([await asked("a"), await asked("a"), await asked("a")]).toEqual([404, 404, 429]);
  status = 200;
  expect([await asked("a"), await asked("b")]).toEqual([429, 200]);
  expect((await ask(gateway, { "x-user": "b" })).headers.get("ratelimit")).toBeNull();
});

test("several limits: the tightest decides, all are told, and the refused request costs nothing", async () => {
  const gateway = gatewayWith({
    rateLimits: [
      rate({ id: "a", name: "all", limit: hourly(3) }),
      rate({
        id: "b",
        name: "each",
        scope: "local",
        limit: hourly(2),
        key: [{ type: "Header", name: "x-tenant" }],
      }),
    ],
  });
  const as = (tenant: string) => ask(gateway, { "x-tenant": tenant });
  const first = await as("one");
  expect(first.headers.get("ratelimit-policy")).toBe('"each";q=2;w=3600, "all";q=3;w=3600');
  expect((await as("one")).status).toBe(200);
  const refused = await as("one");
  expect(refused.status).toBe(429);
  expect(((await refused.json()) as { "violated-policies": string[] })["violated-policies"]).toEqual([
    "each",
  ]);
  expect((await as("two")).status).toBe(200);
  expect((await as("three")).status).toBe(429);
});

test("a request that the limit does not count passes without a word about it", async () => {
  const gateway = gatewayWith({
    rateLimits: [
      rate({ limit: hourly(1), key: [{ type: "Header", name: "x-tenant" }] }),
      rate({
        id: "free",
        limit: hourly(1),
        conditions: { headers: [{ type: "Exact", name: "x-plan", value: "free" }] },
      }),
    ],
  });
  for (let n = 0; n < 3; n++) {
    const response = await ask(gateway);
    expect(response.status).toBe(200);
    expect(response.headers.get("ratelimit")).toBeNull();
  }
  expect((await ask(gateway, { "x-plan": "free" })).status).toBe(200);
  expect((await ask(gateway, { "x-plan": "free" })).status).toBe(429);
});

test("cost and overrides", async () => {
  const gateway = gatewayWith({
    rateLimits: [
      rate({
        limit: hourly(6),
        cost: 3,
        key: [{ type: "Header", name: "x-tenant" }],
        overrides: [{ key: ["large"], limit: hourly(12) }],
      }),
    ],
  });
  const passed = async (tenant: string) => {
    let count = 0;
    for (let n = 0; n < 6; n++) if ((await ask(gateway, { "x-tenant": tenant })).ok) count += 1;
    return count;
  };
  expect(await passed("usual")).toBe(2);
  expect(await passed("large")).toBe(4);
});

describe("concurrency", () => {
  /** Responses that go on until the test ends them. */
  function openEnded(rule: Partial<SnapshotRule>) {
    const ends: (() => void)[] = [];
    const gateway = gatewayWith(rule, {
      origin: () =>
        new Response(
          new ReadableStream({
            start: (controller) => void ends.push(() => controller.close()),
          }),
        ),
    });
    return { gateway, ends };
  }

  test("a request counts until its body has ended", async () => {
    const { gateway, ends } = openEnded({ concurrencyLimits: [parallel({})] });
    const [first, second] = [await ask(gateway), await ask(gateway)];
    const third = await ask(gateway);
    expect(third.status).toBe(429);
    expect(third.headers.get("isthmus-error")).toBe("concurrency_limited");
    expect(third.headers.get("retry-after")).toBe("1");
    ends[0]!();
    await first!.text();
    await expect.poll(async () => (await ask(gateway)).status).toBe(200);
    for (const end of ends.slice(1)) end();
    await second!.text();
  });

  test("keys count apart, an error gives the place back, shadow mode refuses nobody", async () => {
    const byTenant = parallel({ maxParallelRequests: 1, key: [{ type: "Header", name: "x-tenant" }] });
    const { gateway } = openEnded({
      concurrencyLimits: [byTenant, parallel({ id: "s", maxParallelRequests: 1, shadowMode: true })],
    });
    expect((await ask(gateway, { "x-tenant": "a" })).status).toBe(200);
    expect((await ask(gateway, { "x-tenant": "b" })).status).toBe(200);
    expect((await ask(gateway, { "x-tenant": "a" })).status).toBe(429);
    const failing = gatewayWith(
      { concurrencyLimits: [parallel({ maxParallelRequests: 1 })] },
      { origin: () => Promise.reject(new Error("refused")) },
    );
    for (let n = 0; n < 3; n++) expect((await ask(failing)).status).toBe(502);
  });
});
