// The object itself: what it refuses, and what outlives its process.
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { type LimiterCall, limiterAnswerSchema } from "#contract/limiter-call.ts";
import { limitSchema } from "#contract/rate-limit.ts";
import { freshRegion } from "./limiter.fixture.ts";

const hourly = limitSchema.parse({ requests: 3, windowMs: 3_600_000 });
const perSecond = limitSchema.parse({ requests: 3, windowMs: 1_000 });

function object() {
  const { RATE_LIMITER, REGION } = freshRegion();
  const stub = RATE_LIMITER!.get(RATE_LIMITER!.idFromName(`${REGION}:0`));
  const post = (body: string): Promise<Response> =>
    stub.fetch("https://object/RateLimiter/x:0/ask", { method: "POST", body });
  const ask = async (parts: Partial<LimiterCall>) => {
    const call = { holder: "i", limits: [hourly, perSecond], leases: [], spends: [], returns: [], ...parts };
    return limiterAnswerSchema.parse(await (await post(JSON.stringify(call))).json());
  };
  const spend = async (key: string, limit: number): Promise<boolean> =>
    (await ask({ spends: [[{ key, limit, cost: 1, enforced: true }]] })).spends[0]![0]!.allowed;
  return { stub, post, ask, spend };
}

test("counts of long windows outlive the process, those of short ones do not", async () => {
  const { stub, spend } = object();
  for (let n = 0; n < 3; n++) {
    expect(await spend("day", 0)).toBe(true);
    expect(await spend("second", 1)).toBe(true);
  }
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  await evictDurableObject(stub);
  expect(await spend("day", 0)).toBe(false);
  expect(await spend("second", 1)).toBe(true);
});

test("counts whose units have come back are not kept", async () => {
  const { stub, spend } = object();
  await spend("day", 0);
  await runInDurableObject(stub, (_, state) => {
    state.storage.sql.exec("INSERT INTO count (key, state, expires_ms) VALUES ('old', '{\"tatMs\":1}', 1)");
  });
  await runDurableObjectAlarm(stub);
  const keys = await runInDurableObject(stub, (_, state) =>
    state.storage.sql
      .exec<{ key: string }>("SELECT key FROM count")
      .toArray()
      .map(({ key }) => key),
  );
  expect(keys).toEqual(["day"]);
});

test.each([
  ["no JSON", "{", 400],
  ["an unknown field", '{"holder":"i","limits":[],"leases":[],"spends":[],"returns":[],"x":1}', 400],
  [
    "a limit of nothing",
    '{"holder":"i","limits":[{"requests":0,"windowMs":1}],"leases":[],"spends":[],"returns":[]}',
    400,
  ],
  [
    "a limit that the call does not carry",
    '{"holder":"i","limits":[],"leases":[{"key":"a","limit":0,"wanted":1,"least":1}],"spends":[],"returns":[]}',
    400,
  ],
])("%s is refused", async (_name, body, status) => {
  const { post, spend } = object();
  expect((await post(body)).status).toBe(status);
  expect(await spend("a", 1)).toBe(true);
});
