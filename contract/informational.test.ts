import { expect, test } from "vitest";
import { informationalTarget, informationalTargetText } from "./informational.ts";

test("a target comes out of its text as it went in", () => {
  const target = { door: "front-door-1-4711", token: "0b3f-9-z" };
  expect(informationalTarget(informationalTargetText(target))).toEqual(target);
});

test.each([
  "",
  "door",
  "/token",
  "door/",
  "../door/token",
  "door/token/more",
  "a/b\n",
  "Door/token",
  "d".repeat(65) + "/t",
])("%j leads nowhere", (text) => {
  expect(informationalTarget(text)).toBeUndefined();
});
