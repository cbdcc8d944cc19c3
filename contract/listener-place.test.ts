import { expect, test } from "vitest";
import { AtAddresses, listenerPlaces } from "./listener-place.ts";
import type { SnapshotListener } from "./snapshot.ts";

const listener = (
  name: string,
  addresses?: string[],
  hostnames: string[] = [],
  port = 80,
): SnapshotListener => ({ name, protocol: "HTTP", port, hostnames, ...(addresses && { addresses }) });

const places = (...listeners: SnapshotListener[]): string[] =>
  listenerPlaces(listeners).map(
    ({ port, addresses, listeners: accepting }) =>
      `${port} ${addresses.join(",") || "*"}: ${accepting.map(({ name }) => name).join(" ")}`,
  );

test("without addresses a port is one place", () => {
  expect(
    places(listener("a"), listener("b", undefined, ["b.test"]), listener("c", undefined, [], 81)),
  ).toEqual(["80 *: a b", "81 *: c"]);
});

test("each address that is named is a place, one with others of the same listeners", () => {
  expect(places(listener("a", ["::1", "127.0.0.1"]), listener("b", ["127.0.0.2"]))).toEqual([
    "80 ::1,127.0.0.1: a",
    "80 127.0.0.2: b",
  ]);
  const [x, y] = [listener("x", ["127.0.0.1", "127.0.0.2"], ["x.test"]), listener("y", ["127.0.0.2"])];
  expect(places(x, y)).toEqual(["80 127.0.0.1: x", "80 127.0.0.2: x y"]);
});

test("what accepts everywhere does so at a named address, too, with the hosts that are left to it", () => {
  const everywhere = listener("all", undefined, ["a.test", "b.test"]);
  expect(places(everywhere, listener("own", ["127.0.0.1"], ["a.test"]))).toEqual([
    "80 *: all",
    "80 127.0.0.1: own all",
  ]);
  expect(places(everywhere, listener("own", ["127.0.0.1"], ["a.test", "b.test", "c.test"]))).toEqual([
    "80 *: all",
    "80 127.0.0.1: own",
  ]);
});

test("an address that is not named has what the port's first place has", () => {
  const at = new AtAddresses("elsewhere");
  at.add(["127.0.0.1"], "here");
  expect([at.get("127.0.0.1"), at.get("127.0.0.2"), at.get(undefined)]).toEqual([
    "here",
    "elsewhere",
    "elsewhere",
  ]);
});
