import { beforeEach, expect, test, vi } from "vitest";
import type { TestOrigin } from "./testing/test-gateway.ts";
import { createTestGateway, testBackend, testMatch, testSnapshot } from "./testing/test-gateway.ts";

/** Kept from the last request that reached an endpoint. */
let seen: { request: Request; endpoint: string } | undefined;
const answering =
  (respond: (request: Request) => Response | Promise<Response> = () => new Response("pod")): TestOrigin =>
  (request, endpoint) => {
    seen = { request, endpoint };
    return respond(request);
  };

beforeEach(() => {
  seen = undefined;
  vi.spyOn(console, "error").mockImplementation(() => {});
});

const errorOf = (response: Response): [number, string | null] => [
  response.status,
  response.headers.get("isthmus-error"),
];

test("a request reaches the endpoint with its Host, path, query, method, headers and body", async () => {
  const gateway = createTestGateway(testSnapshot([{}]), {
    origin: answering(async (request) => new Response(await request.text(), { status: 201 })),
  });
  const response = await gateway.ask("http://api.example.com:8080/a/b?c=%20&d", {
    method: "POST",
    body: "hello",
    headers: { "x-own": "1" },
  });
  expect(response.status).toBe(201);
  expect(await response.text()).toBe("hello");
  expect(seen!.request.url).toBe("http://api.example.com:8080/a/b?c=%20&d");
  expect(seen!.request.method).toBe("POST");
  expect(seen!.request.headers.get("x-own")).toBe("1");
  expect(seen!.endpoint).toBe("127.0.0.1:1");
});

test("forwarding headers say what the gateway knows, not what the client claims", async () => {
  const gateway = createTestGateway(testSnapshot([{}]), { origin: answering() });
  const headers = {
    "x-forwarded-for": "6.6.6.6",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil",
    forwarded: "for=6.6.6.6",
    "x-real-ip": "6.6.6.6",
    "cf-connecting-ip": "192.0.2.7",
  };
  await gateway.ask("http://api.example.com/", { headers });
  const upstream = seen!.request.headers;
  expect(upstream.get("x-forwarded-for")).toBe("192.0.2.7");
  expect(upstream.get("x-forwarded-proto")).toBe("http");
  expect(upstream.get("x-forwarded-host")).toBe("api.example.com");
  expect(upstream.get("forwarded")).toBe("for=192.0.2.7;host=api.example.com;proto=http");
  expect(upstream.get("x-real-ip")).toBeNull();
});

test("fields of the connection stop at the gateway in both directions", async () => {
  const gateway = createTestGateway(testSnapshot([{}]), {
    origin: answering(
      () => new Response("x", { headers: { connection: "x-hop, close", "x-hop": "1", "x-end": "1" } }),
    ),
  });
  const headers = {
    connection: "x-secret, keep-alive",
    "x-secret": "1",
    "proxy-connection": "1",
    "x-end": "1",
  };
  const response = await gateway.ask("http://a.example/", { headers });
  expect(seen!.request.headers.get("x-secret")).toBeNull();
  expect(seen!.request.headers.get("proxy-connection")).toBeNull();
  expect(seen!.request.headers.get("x-end")).toBe("1");
  expect(response.headers.get("x-hop")).toBeNull();
  expect(response.headers.get("x-end")).toBe("1");
});

test.each([
  ["a/b@c", 400, "host_malformed"],
  ["user:pw@a", 400, "host_malformed"],
  ["a b", 400, "host_malformed"],
  ["a:99999", 400, "host_malformed"],
  ["x".repeat(300), 400, "host_malformed"],
  ["unknown.example", 404, "route_not_found"],
])("Host %s is answered %i %s", async (host, status, code) => {
  const snapshot = testSnapshot([{}]);
  snapshot.routes[0]!.hostnames.push("known.example");
  const gateway = createTestGateway(snapshot, { origin: answering() });
  const response = await gateway.ask("http://known.example/", { headers: { host } });
  expect(errorOf(response)).toEqual([status, code]);
  expect(seen).toBeUndefined();
});

test.each([
  [`/${"a".repeat(17_000)}`, 414, "uri_too_long"],
  ["/a%2Fb", 400, "path_malformed"],
  ["/a%zz", 400, "path_malformed"],
  ["/.well-known/isthmus/join", 404, "route_not_found"],
  ["/.well-known//isthmus/tunnel?tunnel=a", 404, "route_not_found"],
])("a target of %s is answered %i %s", async (target, status, code) => {
  const gateway = createTestGateway(testSnapshot([{}]), { origin: answering() });
  expect(errorOf(await gateway.ask(`http://a.example${target}`))).toEqual([status, code]);
  expect(seen).toBeUndefined();
});

test("the path that was matched is the path that is forwarded", async () => {
  const gateway = createTestGateway(testSnapshot([{ matches: [testMatch("/admin")] }]), {
    origin: answering(),
  });
  await gateway.ask("http://a.example//x/../admin//k%65ys");
  expect(new URL(seen!.request.url).pathname).toBe("/admin/keys");
});

test("a thousand headers pass", async () => {
  const gateway = createTestGateway(testSnapshot([{}]), { origin: answering() });
  const headers = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`x-${index}`, "v"]));
  expect((await gateway.ask("http://a.example/", { headers })).status).toBe(200);
  expect(seen!.request.headers.get("x-999")).toBe("v");
});

test("an error is a problem document that no cache keeps; HEAD gets its head only", async () => {
  const gateway = createTestGateway(testSnapshot([{ backendRefs: [] }]));
  const response = await gateway.ask("http://a.example/");
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/problem+json",
    "cache-control": "no-store",
    "isthmus-error": "backend_none",
    "proxy-status": "isthmus; error=proxy_configuration_error",
  });
  expect(await response.json()).toEqual({
    type: "urn:isthmus:error:backend_none",
    title: expect.any(String),
    status: 500,
    code: "backend_none",
  });
  const head = await gateway.ask("http://a.example/", { method: "HEAD" });
  expect(errorOf(head)).toEqual([500, "backend_none"]);
  expect(await head.text()).toBe("");
});

test.each([
  [
    "an invalid reference",
    { backendRefs: [{ backend: null, weight: 1, filters: [] }] },
    500,
    "backend_invalid",
  ],
  ["no weight", { backendRefs: [{ backend: "pods", weight: 0, filters: [] }] }, 500, "backend_none"],
  ["no endpoints", { backendRefs: [{ backend: "empty", weight: 1, filters: [] }] }, 503, "no_endpoint"],
  [
    "sick endpoints",
    { backendRefs: [{ backend: "sick", weight: 1, filters: [] }] },
    503,
    "no_healthy_endpoint",
  ],
])("%s: %#", async (_name, rule, status, code) => {
  const backends = [testBackend("pods", 1), testBackend("empty"), testBackend("sick", 2)];
  const gateway = createTestGateway(testSnapshot([rule], backends), { unhealthy: ["sick|127.0.0.1:2"] });
  expect(errorOf(await gateway.ask("http://a.example/"))).toEqual([status, code]);
});

test("traffic is split over backends by weight", async () => {
  const backendRefs = [
    { backend: "v1", weight: 90, filters: [] },
    { backend: "v2", weight: 10, filters: [] },
  ];
  const counts = new Map<string, number>();
  let draw = 0;
  const gateway = createTestGateway(
    testSnapshot([{ backendRefs }], [testBackend("v1", 1), testBackend("v2", 2)]),
    {
      random: () => (draw++ % 100) / 100,
      origin: (_request, endpoint) => {
        counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
        return new Response("ok");
      },
    },
  );
  for (let index = 0; index < 100; index += 1) await gateway.ask("http://a.example/");
  // Balancers draw from the same numbers, so the first few are not all the split's.
  expect(Math.abs(counts.get("127.0.0.1:2")! - 10)).toBeLessThanOrEqual(2);
});

const lost = (): never => {
  throw new Error("Network connection lost.");
};

test("an endpoint that nobody listens on is reported as not reached, one that breaks off as reset", async () => {
  // Nothing listens on port 1.
  const refused = createTestGateway(testSnapshot([{}]), { origin: answering(lost) });
  expect(errorOf(await refused.ask("http://a.example/"))).toEqual([502, "endpoint_connect_failed"]);
  const unknownName = createTestGateway(testSnapshot([{}]), {
    origin: answering(() => {
      throw new Error("internal error; reference = abc");
    }),
  });
  expect(errorOf(await unknownName.ask("http://a.example/"))).toEqual([502, "endpoint_connect_failed"]);
});

test.each([
  ["GET", undefined, [1, 2], 200],
  ["DELETE", undefined, [1, 2], 200],
  ["POST", undefined, [1], 502],
  ["PUT", "body", [1], 502],
])("%s with body %s and a dead first endpoint tries %j", async (method, body, tried, status) => {
  const ports: number[] = [];
  const gateway = createTestGateway(testSnapshot([{}], [testBackend("pods", 1, 2)]), {
    origin: (_request, endpoint) => {
      ports.push(Number(endpoint.split(":")[1]));
      return ports.length === 1 ? lost() : new Response("ok");
    },
  });
  const response = await gateway.ask("http://a.example/", { method, ...(body && { body }) });
  expect(response.status).toBe(status);
  expect(ports).toHaveLength(tried.length);
  expect(new Set(ports).size).toBe(tried.length);
});

test("an unknown failure is an internal error whose detail stays in the log", async () => {
  const gateway = createTestGateway(testSnapshot([{}]), {
    origin: answering(() => {
      throw new TypeError("secret detail");
    }),
  });
  const response = await gateway.ask("http://a.example/");
  expect(errorOf(response)).toEqual([500, "internal"]);
  expect(await response.text()).not.toContain("secret");
});

const silent = (): Promise<Response> => new Promise(() => {});

test.each([
  [{ requestMs: 20 }, "request_timeout"],
  [{ backendRequestMs: 20 }, "backend_request_timeout"],
  [{ requestMs: 60_000, backendRequestMs: 20 }, "backend_request_timeout"],
])("an endpoint that is silent beyond %j is answered 504", async (timeouts, code) => {
  const gateway = createTestGateway(testSnapshot([{ timeouts }]), { origin: answering(silent) });
  expect(errorOf(await gateway.ask("http://a.example/"))).toEqual([504, code]);
});

test("a timeout covers a short body, too: the client gets 504 and not half of it", async () => {
  const stalling = (): Response =>
    new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array([1])) }), {
      headers: { "content-length": "2" },
    });
  const gateway = createTestGateway(testSnapshot([{ timeouts: { requestMs: 20 } }]), {
    origin: answering(stalling),
  });
  expect(errorOf(await gateway.ask("http://a.example/"))).toEqual([504, "request_timeout"]);
});

test("a short body that breaks off under a timeout is the endpoint's failure", async () => {
  const broken = (): Response =>
    new Response(new ReadableStream({ start: (controller) => controller.error(new Error("gone")) }), {
      headers: { "content-length": "2" },
    });
  const gateway = createTestGateway(testSnapshot([{ timeouts: { requestMs: 60_000 } }]), {
    origin: answering(broken),
  });
  expect(errorOf(await gateway.ask("http://a.example/"))).toEqual([502, "endpoint_reset"]);
});

test("a timeout ends a body that goes on, and leaves alone one that is done", async () => {
  const dripping = (): Response =>
    new Response(
      new ReadableStream({
        pull: async (controller) => {
          await scheduler.wait(5);
          controller.enqueue(new Uint8Array([1]));
        },
      }),
    );
  const slow = createTestGateway(testSnapshot([{ timeouts: { requestMs: 30 } }]), {
    origin: answering(dripping),
  });
  const response = await slow.ask("http://a.example/");
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
  await slow.settled();
  const quick = createTestGateway(testSnapshot([{ timeouts: { requestMs: 60_000 } }]), {
    origin: answering(),
  });
  expect(await (await quick.ask("http://a.example/")).text()).toBe("pod");
  await quick.settled();
});

test("least request counts a long body until it has ended", async () => {
  const backend = { ...testBackend("pods", 1, 2), loadBalancer: { type: "LeastRequest" as const } };
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    origin: answering(() => new Response(new Blob(["x".repeat(100_000)]).stream())),
  });
  const response = await gateway.ask("http://a.example/");
  const plan = await gateway.isolate.ready({ waitUntil: () => {} });
  const { balancer } = plan.backends.get("pods")!;
  const busy = (): number => balancer.inFlight(0) + balancer.inFlight(1);
  expect(busy()).toBe(1);
  expect((await response.text()).length).toBe(100_000);
  await gateway.settled();
  expect(busy()).toBe(0);
});

test("a redirect names the port that the client used", async () => {
  const filters = [{ type: "RequestRedirect" as const, requestRedirect: { statusCode: 301 as const } }];
  const gateway = createTestGateway(testSnapshot([{ filters, backendRefs: [] }]));
  const response = await gateway.ask("http://a.example:8080/x?y");
  expect(response.status).toBe(301);
  expect(response.headers.get("location")).toBe("http://a.example:8080/x?y");
});

test("through a tunnel, the hub is told the endpoint; its verdict becomes the answer", async () => {
  const backend = { ...testBackend("pods", 1), tunnel: "prod" };
  const asked: string[] = [];
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    hub: (request, hub) => {
      asked.push(hub);
      expect(request.headers.get("isthmus-operation")).toBe("stream");
      expect(request.headers.get("isthmus-endpoint")).toBe("pods|127.0.0.1:1");
      expect(request.url).toBe("http://a.example/x");
      const headers = { "isthmus-tunnel-error": "tunnel_unavailable", "isthmus-tunnel-error-safe": "1" };
      return asked.length === 1 ? new Response(null, { status: 599, headers }) : new Response("pod");
    },
  });
  const forged = { "isthmus-operation": "connect", "isthmus-endpoint": "x|y" };
  const response = await gateway.ask("http://a.example/x", { headers: forged });
  expect(await response.text()).toBe("pod");
  expect(new Set(asked)).toEqual(new Set(["prod:0", "prod:1"]));
});

test.each([
  ["tunnel_refused", 502],
  ["endpoint_connect_failed", 502],
  ["nonsense", 502],
])("a hub's %s is the client's %i", async (code, status) => {
  const backend = { ...testBackend("pods", 1), tunnel: "prod" };
  const gateway = createTestGateway(testSnapshot([{}], [backend]), {
    hub: () => new Response(null, { status: 599, headers: { "isthmus-tunnel-error": code } }),
  });
  const response = await gateway.ask("http://a.example/", { method: "POST", body: "x" });
  expect(errorOf(response)).toEqual([status, code === "nonsense" ? "tunnel_reset" : code]);
});

test("the listener is the socket's, or else the one that fits the URL", async () => {
  const snapshot = testSnapshot([{}]);
  snapshot.listeners.push({ name: "secure", protocol: "HTTPS", port: 443, hostnames: [] });
  const status = async (url: string, listener?: string): Promise<number> => {
    const props = listener === undefined ? {} : { listener };
    return (await createTestGateway(snapshot, { props }).ask(url)).status;
  };
  expect(await status("http://a.example:9999/")).toBe(200);
  expect(await status("https://a.example/")).toBe(404);
  expect(await status("http://a.example/", "web")).toBe(200);
  expect(await status("http://a.example/", "secure")).toBe(404);
  // A publish has renamed it; its socket is still there.
  expect(await status("http://a.example/", "gone")).toBe(200);
});

test("errors of a call of gRPC are its status, in the protocol of the call", async () => {
  const gateway = createTestGateway(testSnapshot([{ matches: [testMatch("/known")] }]));
  for (const type of ["application/grpc", "application/grpc-web-text"]) {
    const response = await gateway.ask("http://a.example.com/pkg.Service/Call", {
      method: "POST",
      headers: { "content-type": `${type}+proto` },
    });
    expect(errorOf(response)).toEqual([200, "route_not_found"]);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("grpc-status")).toBe("12");
    expect(response.headers.get("grpc-message")).toContain("route_not_found");
    expect(await response.text()).toBe("");
  }
});
