// What rules count, and conditions that read it, through the whole gateway.
import { expect, test } from "vitest";
import type { Counting } from "#contract/counter.ts";
import type { SnapshotRule } from "#contract/snapshot.ts";
import {
  createTestGateway,
  testMatch,
  testSnapshot,
  type TestGateway,
  type TestOrigin,
} from "../testing/test-gateway.ts";

const place = { table: "clients", key: "user" };
const track: Counting = { type: "Track", ...place };

/** Requests of users whose counter has reached `min` go to the first rule. */
function gatewayWith(
  counter: string,
  min: number,
  first: Partial<SnapshotRule>,
  origin: TestOrigin,
): TestGateway {
  const reached = {
    parts: [{ from: "Counter" as const, name: `clients/user/${counter}` }],
    type: "InRange" as const,
  };
  const matches = [{ ...testMatch("/"), and: [{ texts: [{ ...reached, range: { min } }] }] }];
  const snapshot = testSnapshot([{ priority: 1, matches, ...first }, { counting: [track] }]);
  const counterTables = [
    {
      name: "clients",
      maxEntries: 100,
      counters: [
        { type: "RequestCount" as const },
        { type: "ConcurrentRequests" as const },
        { type: "ErrorCount" as const },
      ],
      keys: [{ name: "user", parts: [{ from: "Header" as const, name: "x-user" }] }],
    },
  ];
  return createTestGateway({ ...snapshot, counterTables }, { origin });
}

const refused: Partial<SnapshotRule> = {
  backendRefs: [],
  filters: [{ type: "DirectResponse", directResponse: { statusCode: 429 } }],
};

const ask = (gateway: TestGateway, user: string) =>
  gateway.ask("http://a.example.com/", { headers: { "x-user": user } });

test("requests under way are counted until their bodies have ended", async () => {
  const ends: (() => void)[] = [];
  const gateway = gatewayWith(
    "ConcurrentRequests",
    2,
    refused,
    () => new Response(new ReadableStream({ start: (body) => void ends.push(() => body.close()) })),
  );
  const [first, second, third] = [await ask(gateway, "a"), await ask(gateway, "a"), await ask(gateway, "a")];
  const other = await ask(gateway, "b");
  expect([first, second, third, other].map(({ status }) => status)).toEqual([200, 200, 429, 200]);
  ends[0]!();
  await first.text();
  await expect.poll(async () => (await ask(gateway, "a")).status).toBe(200);
  for (const end of ends.slice(1)) end();
  await Promise.all([second.text(), other.text()]);
});

test("a request that came to no answer is no longer under way, and counts as what the gateway answers", async () => {
  const gateway = gatewayWith("ConcurrentRequests", 1, refused, () => Promise.reject(new Error("refused")));
  expect([(await ask(gateway, "a")).status, (await ask(gateway, "a")).status]).toEqual([502, 502]);
  const scanned = gatewayWith("ErrorCount", 1, refused, () => new Response("", { status: 404 }));
  expect([(await ask(scanned, "a")).status, (await ask(scanned, "a")).status]).toEqual([404, 429]);
});

test("headers say what was counted before the request", async () => {
  const told = { name: "x-told", parts: [{ from: "Counter" as const, name: "clients/user/RequestCount" }] };
  const filters: SnapshotRule["filters"] = [
    {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [], add: [], remove: [], setFrom: [told] },
    },
  ];
  const gateway = gatewayWith(
    "RequestCount",
    1,
    { filters, counting: [track] },
    (request) => new Response(request.headers.get("x-told")),
  );
  const bodies: string[] = [];
  for (let index = 0; index < 3; index += 1) bodies.push(await (await ask(gateway, "a")).text());
  expect(bodies).toEqual(["", "1", "2"]);
});
