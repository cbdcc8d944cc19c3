import { expect, test } from "vitest";
import { isDebugToken, maxDebugTokenS, signDebugToken } from "./debug-token.ts";

const secret = "secret";

test("a token is valid until it expires, under its secret only", async () => {
  const token = await signDebugToken(secret, 1_000);
  expect(await isDebugToken(secret, token, 999_000)).toBe(true);
  expect(await isDebugToken(secret, token, 1_000_000)).toBe(false);
  expect(await isDebugToken("another", token, 999_000)).toBe(false);
});

test("a token that is altered, malformed or lives too long is not valid", async () => {
  const token = await signDebugToken(secret, 1_000);
  const wrong = ["", "1000", token.replace("1000", "1001"), `${token}0`, token.replace(/.$/, "g"), "0.00"];
  for (const text of wrong) expect(await isDebugToken(secret, text, 999_000)).toBe(false);
  const long = await signDebugToken(secret, maxDebugTokenS + 2);
  expect(await isDebugToken(secret, long, 1_000)).toBe(false);
});
