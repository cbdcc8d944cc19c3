import { expect, test } from "vitest";
import type { TokenRow } from "../store/token-table.ts";
import { authenticate } from "./authenticate.ts";
import { secretHash, secretTokenFrom, secretTokenId } from "./secret-token.ts";

const { id, token } = secretTokenFrom(
  "istk",
  Uint8Array.from({ length: 40 }, (_, index) => index),
);
const row = async (more: Partial<TokenRow> = {}): Promise<TokenRow> => ({
  id,
  name: "ci",
  role: "publisher",
  createdAtMs: 0,
  hash: await secretHash(token),
  ...more,
});
const findNone = async (): Promise<undefined> => undefined;

test("a token says what it is, not what it hides", () => {
  expect(token).toMatch(/^istk_0001020304050607_[A-Za-z0-9_-]{43}$/);
  expect(secretTokenId("istk", token)).toBe(id);
  expect(secretTokenId("istj", token)).toBeUndefined();
});

test("a stored token is its role, until it expires", async () => {
  const find = async (): Promise<TokenRow> => row({ expiresAtMs: 1000 });
  expect(await authenticate(`Bearer ${token}`, undefined, find, 999)).toEqual({
    name: "ci",
    role: "publisher",
  });
  await expect(authenticate(`Bearer ${token}`, undefined, find, 1000)).rejects.toMatchObject({ status: 401 });
});

test("the bootstrap token is admin", async () => {
  const caller = await authenticate("bearer 0123456789abcdef", "0123456789abcdef", findNone, 0);
  expect(caller).toEqual({ name: "bootstrap-admin", role: "admin" });
});

test.each([
  ["no header", undefined, "0123456789abcdef"],
  ["an empty token", "Bearer ", "0123456789abcdef"],
  ["basic authentication", "Basic 0123456789abcdef", "0123456789abcdef"],
  ["a short bootstrap token", "Bearer short", "short"],
  ["an empty bootstrap token", "Bearer ", ""],
  ["a prefix of the bootstrap token", "Bearer 0123456789abcde", "0123456789abcdef"],
])("%s is refused", async (_name, header, adminToken) => {
  await expect(authenticate(header, adminToken, findNone, 0)).rejects.toMatchObject({ status: 401 });
});

test("an id with another secret is refused", async () => {
  const other = secretTokenFrom(
    "istk",
    Uint8Array.from({ length: 40 }, (_, index) => (index < 8 ? index : 0)),
  );
  expect(other.id).toBe(id);
  await expect(authenticate(`Bearer ${other.token}`, undefined, () => row(), 0)).rejects.toMatchObject({
    status: 401,
  });
});
