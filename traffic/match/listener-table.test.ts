import { expect, test } from "vitest";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { compileListeners } from "./listener-table.ts";

const listener = (
  name: string,
  protocol: "HTTP" | "HTTPS",
  port: number,
  hostnames: string[] = [],
): SnapshotListener => ({ name, protocol, port, hostnames });

test("the socket's word counts before the URL's port", () => {
  const table = compileListeners([listener("a", "HTTP", 80), listener("b", "HTTP", 8080)]);
  expect(table.find({ listener: "b" }, "http", 80, "x")?.name).toBe("b");
  expect(table.find(undefined, "http", 8080, "x")?.name).toBe("b");
  expect(table.needsSocket).toBe(true);
});

test("without a fitting port, the first listener of the scheme", () => {
  const table = compileListeners([listener("a", "HTTP", 80), listener("s", "HTTPS", 443)]);
  expect(table.find(undefined, "https", 9443, "x")?.name).toBe("s");
  expect(table.find({ listener: "renamed" }, "http", 9080, "x")?.name).toBe("a");
  expect(compileListeners([]).find(undefined, "http", 80, "x")).toBeUndefined();
});

test("one port needs no word of its socket", () => {
  const shared = [listener("a", "HTTP", 80, ["a.example"]), listener("b", "HTTP", 80)];
  expect(compileListeners(shared).needsSocket).toBe(false);
});

test("listeners that share a port: the most specific host name decides, whichever the socket names", () => {
  const table = compileListeners([
    listener("any", "HTTPS", 443),
    listener("wild", "HTTPS", 443, ["*.example.com"]),
    listener("exact", "HTTPS", 443, ["api.example.com"]),
  ]);
  const names = (host: string): (string | undefined)[] =>
    [undefined, { listener: "any" }, { listener: "exact" }].map(
      (socket) => table.find(socket, "https", 443, host)?.name,
    );
  expect(names("api.example.com")).toEqual(["exact", "exact", "exact"]);
  expect(names("b.example.com")).toEqual(["wild", "wild", "wild"]);
  expect(names("example.org")).toEqual(["any", "any", "any"]);
});

test("a host that no listener of the port covers falls to the first, which refuses it", () => {
  const table = compileListeners([
    listener("one", "HTTP", 80, ["one.example.com"]),
    listener("two", "HTTP", 80, ["two.example.com"]),
  ]);
  expect(table.find({ listener: "two" }, "http", 80, "three.example.com")?.name).toBe("one");
});
