import { expect, test } from "vitest";
import { applyConnectTo, formatConnectTo, parseConnectTo } from "./connect-to.ts";

test("dials the other address for the named one only", () => {
  const rules = [parseConnectTo("203.0.113.7:8080:127.0.0.1:9001")!];
  expect(applyConnectTo(rules, "203.0.113.7", 8080)).toEqual({ host: "127.0.0.1", port: 9001 });
  expect(applyConnectTo(rules, "203.0.113.7", 8081)).toEqual({ host: "203.0.113.7", port: 8081 });
  expect(applyConnectTo(rules, "203.0.113.8", 8080)).toEqual({ host: "203.0.113.8", port: 8080 });
});

test("an empty part means any, or unchanged", () => {
  expect(applyConnectTo([parseConnectTo("::127.0.0.1:")!], "a.example.com", 80)).toEqual({
    host: "127.0.0.1",
    port: 80,
  });
  expect(applyConnectTo([parseConnectTo("a:80::81")!], "A", 80)).toEqual({ host: "A", port: 81 });
});

test("IPv6 stands in brackets", () => {
  expect(parseConnectTo("[2001:db8::1]:80:[::1]:8080")).toEqual({
    host: "2001:db8::1",
    port: 80,
    toHost: "::1",
    toPort: 8080,
  });
});

test.each(["", "a:80", "a:80:b", "2001:db8::1:80:b:1", "a:x:b:1", "a:0:b:1", "a:80:b:65536"])(
  "refuses %j",
  (text) => {
    expect(parseConnectTo(text)).toBeUndefined();
  },
);

test.each(["a:80:b:81", "::[::1]:", "[2001:db8::1]::c:8080", "a:::1"])("writes %j as it was read", (text) => {
  expect(formatConnectTo(parseConnectTo(text)!)).toBe(text);
});
