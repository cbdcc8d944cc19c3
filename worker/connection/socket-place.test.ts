import { expect, test } from "vitest";
import { localPlace, socketPlace } from "./socket-place.ts";

test.each([
  ["192.0.2.1:5000", { address: "192.0.2.1", port: 5000 }],
  ["[2001:db8::1]:443", { address: "2001:db8::1", port: 443 }],
  ["unix:/run/a.sock:0", undefined],
  [":5000", undefined],
  [undefined, undefined],
])("%s", (text, expected) => {
  expect(socketPlace(text)).toEqual(expected);
});

test("an inherited socket knows the port only", () => {
  expect(localPlace(":443", { address: "192.0.2.1", port: 1 })).toEqual({ address: "0.0.0.0", port: 443 });
  expect(localPlace(":443", { address: "2001:db8::1", port: 1 })).toEqual({ address: "::", port: 443 });
  expect(localPlace(":443", undefined, ["192.0.2.9"])).toEqual({ address: "192.0.2.9", port: 443 });
  expect(localPlace("192.0.2.9:443", undefined)).toEqual({ address: "192.0.2.9", port: 443 });
});
