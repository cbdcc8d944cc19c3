// Fields that stop at the gateway.
import { expect, test } from "vitest";
import { dropHopByHop, forwardedTe, hopByHopNames, namesToDrop, nominatedNames } from "./hop-by-hop.ts";

test("connection fields and those that Connection names are dropped, the rest stays", () => {
  const headers = new Headers({
    connection: "close, X-Private, x-forwarded-for",
    "keep-alive": "timeout=5",
    "proxy-authorization": "Basic x",
    "transfer-encoding": "chunked",
    te: "trailers, deflate;q=0.5",
    trailer: "expires",
    "x-private": "1",
    "x-forwarded-for": "1.2.3.4",
    upgrade: "websocket",
    accept: "*/*",
  });
  dropHopByHop(headers);
  expect(Object.fromEntries(headers)).toEqual({ te: "trailers", upgrade: "websocket", accept: "*/*" });
});

test("without nominations the list is the same one for every message", () => {
  for (const connection of [
    null,
    "",
    "keep-alive",
    "close",
    "Upgrade",
    "keep-alive, Upgrade",
    "Keep-Alive",
  ]) {
    expect(namesToDrop(connection)).toBe(hopByHopNames);
  }
});

test("what a message's meaning hangs on cannot be nominated away", () => {
  expect(nominatedNames("host, content-length, Content-Type, content-encoding, upgrade")).toEqual([]);
});

test("garbage names nothing, and nominations are bounded", () => {
  expect(nominatedNames(",, ,a b,\u0000,é,x")).toEqual(["x"]);
  expect(nominatedNames(Array.from({ length: 1_000 }, (_, index) => `x-${index}`).join(","))).toHaveLength(
    32,
  );
});

test.each([
  [null, undefined],
  ["trailers", "trailers"],
  ["Trailers;q=0.5, gzip", "trailers"],
  ["gzip", undefined],
  ["no-trailers", undefined],
])("TE %j goes on as %j", (te, forwarded) => {
  expect(forwardedTe(te)).toBe(forwarded);
});
