import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sessionPersistenceSchema } from "#contract/backend-policy.ts";
import { cookieValue, sessionCookie, withoutCookie } from "./session-cookie.ts";
import { SessionCodec } from "./session-token.ts";

const secret = new Uint8Array(32).fill(7);
const codec = await SessionCodec.create(secret, "shop");
const tag = await codec.tag("orders|10.0.0.1:80");
const nowMs = 1_750_000_000_000;

test("a token names the endpoint it was made for, on every gateway with the same secret", async () => {
  const token = await codec.encode(tag, nowMs, nowMs);
  expect(token).toMatch(/^[A-Za-z0-9_-]{55}$/);
  expect(token).not.toContain("10.0.0.1");
  const other = await SessionCodec.create(secret, "shop");
  const session = await other.decode(token, nowMs + 5_000, {});
  expect(session).toEqual({ tag: await other.tag("orders|10.0.0.1:80"), issuedMs: nowMs, renew: false });
});

test("another endpoint, backend, session name or secret has another tag", async () => {
  const named = await SessionCodec.create(secret, "blog");
  const keyed = await SessionCodec.create(new Uint8Array(32).fill(8), "shop");
  const tags = await Promise.all([
    codec.tag("orders|10.0.0.2:80"),
    codec.tag("carts|10.0.0.1:80"),
    named.tag("orders|10.0.0.1:80"),
    keyed.tag("orders|10.0.0.1:80"),
  ]);
  expect(new Set([tag, ...tags]).size).toBe(5);
  const token = await codec.encode(tag, nowMs, nowMs);
  expect(await named.decode(token, nowMs, {})).toBeUndefined();
  expect(await keyed.decode(token, nowMs, {})).toBeUndefined();
});

test("any change of a token makes it void", async () => {
  const token = await codec.encode(tag, nowMs, nowMs);
  await fc.assert(
    fc.asyncProperty(fc.nat(54), fc.constantFrom(..."AQgw4_-Z"), async (place, char) => {
      // The last character carries two unused bits, so a change of it may mean the same bytes.
      fc.pre(token[place] !== char && place < 54);
      const forged = token.slice(0, place) + char + token.slice(place + 1);
      expect(await codec.decode(forged, nowMs, {})).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});

test.each(["", "x", "=".repeat(55), "A".repeat(55), "A".repeat(10_000), "ä".repeat(55)])(
  "%s is no token",
  async (text) => {
    expect(await codec.decode(text, nowMs, {})).toBeUndefined();
  },
);

test("timeouts: absolute from the first answer, idle from the last, which is written anew in time", async () => {
  const timeouts = { absoluteTimeoutMs: 3_600_000, idleTimeoutMs: 60_000 };
  const token = await codec.encode(tag, nowMs, nowMs + 30_000);
  const at = (laterMs: number) => codec.decode(token, nowMs + laterMs, timeouts);
  expect((await at(31_000))?.renew).toBe(false);
  expect((await at(40_000))?.renew).toBe(true);
  expect(await at(90_000)).toBeUndefined();
  const old = await codec.encode(tag, nowMs, nowMs + 3_599_000);
  expect(await codec.decode(old, nowMs + 3_600_000, timeouts)).toBeUndefined();
});

test("a short secret is refused", async () => {
  await expect(SessionCodec.create(new Uint8Array(16), "shop")).rejects.toThrow(RangeError);
});

test("the cookie is hidden from scripts, secure over TLS, and lasts as configured", () => {
  const session = sessionPersistenceSchema.parse({ sessionName: "s" });
  expect(sessionCookie(session, "t", { secure: false, path: "/" })).toBe(
    "s=t; Path=/; HttpOnly; SameSite=Lax",
  );
  const permanent = sessionPersistenceSchema.parse({
    sessionName: "s",
    absoluteTimeoutMs: 3_600_000,
    cookieConfig: { lifetimeType: "Permanent" },
  });
  expect(sessionCookie(permanent, "t", { secure: true, path: "/a" })).toBe(
    "s=t; Path=/a; HttpOnly; SameSite=Lax; Secure; Max-Age=3600",
  );
});

test.each([
  ["a=1; s=token; b=2", "token"],
  ["s=first;s=second", "first"],
  ["xs=1", undefined],
  ["s", undefined],
  [null, undefined],
])("cookie s of %s is %s", (header, expected) => {
  expect(cookieValue(header, "s")).toBe(expected);
});

test.each([
  ["a=1; s=token; b=2", "a=1; b=2"],
  ["s=1;s = 2", null],
  ["s", null],
  ["xs=1; S=2;", "xs=1; S=2"],
  ['a="x=s"; s=', 'a="x=s"'],
])("%s without the cookie s is %s", (header, expected) => {
  expect(withoutCookie(header, "s")).toBe(expected);
});
