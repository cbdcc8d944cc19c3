import { expect, test } from "vitest";
import {
  type CookiePolicy,
  forwardedCookies,
  insertedCookie,
  isDue,
  ownCookie,
  readClaims,
} from "./endpoint-cookie.ts";

const insert: CookiePolicy = {
  name: "SRV",
  mode: "Insert",
  indirect: true,
  preserve: false,
  maxIdleS: 600,
  maxLifeS: 3_600,
};
const prefix: CookiePolicy = {
  ...insert,
  mode: "Prefix",
  indirect: false,
  maxIdleS: undefined,
  maxLifeS: undefined,
};
const nowS = 1_700_000_000;

test("a cookie that was given is read with its dates, to 4 s, until they are over", () => {
  const cookie = insertedCookie(insert, "a", undefined, "", nowS).split(";", 1)[0]!;
  const [claim] = readClaims(`x=1; ${cookie}`, insert, nowS + 100);
  expect(claim).toEqual({ value: "a", lastS: nowS, firstS: nowS });
  expect(readClaims(cookie, insert, nowS + 601)[0]!.value).toBe("");
  expect(readClaims(cookie, { ...insert, maxIdleS: undefined }, nowS + 3_601)[0]!.value).toBe("");
  // A clock that is a day behind takes nobody's session away.
  expect(readClaims(cookie, insert, nowS - 86_400)[0]!.value).toBe("a");
  expect(readClaims(cookie, insert, nowS - 86_401)[0]!.value).toBe("");
});

test("who is served by its own endpoint is told again only when a date is due", () => {
  const claim = { value: "a", lastS: nowS, firstS: nowS };
  expect(isDue(insert, claim, true, nowS)).toBe(false);
  expect(isDue(insert, claim, true, nowS + 1)).toBe(true);
  expect(isDue(insert, claim, false, nowS)).toBe(true);
  expect(
    isDue(
      { ...insert, maxIdleS: undefined, maxLifeS: undefined },
      { ...claim, firstS: undefined },
      true,
      nowS,
    ),
  ).toBe(false);
  expect(insertedCookie(insert, "a", claim, "", nowS + 400)).toBe("SRV=a|ZVPyk|ZVPxA; path=/");
});

test("endpoints see the client's cookies without what is the gateway's", () => {
  expect(forwardedCookies("a=1; SRV=x; b=2", insert)).toBe("a=1; b=2");
  expect(forwardedCookies("SRV=x", insert)).toBeNull();
  expect(forwardedCookies("SRV=one~own~er; b=2", prefix)).toBe("SRV=own~er; b=2");
  expect(forwardedCookies("a=1; b=2", insert)).toBe("a=1; b=2");
});

test("an application's own cookie is taken away, rewritten or prefixed", () => {
  const own = (policy: CookiePolicy) => ownCookie("SRV=app; Path=/x", policy, "a", false);
  expect(own(insert)).toEqual({ kind: "removed" });
  expect(own({ ...insert, mode: "Rewrite" })).toEqual({ kind: "changed", field: "SRV=a; Path=/x" });
  expect(own(prefix)).toEqual({ kind: "changed", field: "SRV=a~app; Path=/x" });
  expect(own({ ...insert, preserve: true })).toEqual({ kind: "kept" });
  expect(ownCookie("SRVX=1", insert, "a", false)).toEqual({ kind: "other" });
});
