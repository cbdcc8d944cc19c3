import { expect, test } from "vitest";
import { allowedTrailers } from "./request-trailers.ts";

test("what is announced may pass, but not what only a head may say", () => {
  const announced =
    "X-Sum,x-b , Host, Content-Length, Transfer-Encoding, X-Forwarded-For, x_forwarded_for, Isthmus-Endpoint, Cookie, " +
    "Authorization, Client-Cert, a b, ,";
  expect([...allowedTrailers(announced)]).toEqual(["x-sum", "x-b"]);
});

test("no more than 64 names count", () => {
  const names = Array.from({ length: 100 }, (_, index) => `x-${index}`);
  expect(allowedTrailers(names.join()).size).toBe(64);
});
