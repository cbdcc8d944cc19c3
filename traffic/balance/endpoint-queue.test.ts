import { expect, test } from "vitest";
import { type EndpointQueueLimits, EndpointQueue, type PlacePicker } from "./endpoint-queue.ts";

const unbound = { minConnections: [], maxQueue: [Infinity, Infinity], fullConnections: 0, maxWaiting: 100 };

function queueOf(limits: Partial<EndpointQueueLimits>) {
  return new EndpointQueue<string>({ ...unbound, maxConnections: [1, 1], ...limits });
}

/** Takes the first endpoint that is up and has room. */
const firstOf = (...up: readonly number[]): PlacePicker => ({
  pick: (full) => up.find((index) => !full.includes(index)) ?? -1,
});
const any = firstOf(0, 1);
const boundTo = (index: number, mayMove = true): PlacePicker => ({ ...any, bound: () => index, mayMove });

const admitted = (index: number) => ({ kind: "admitted", index });
const waiting = { kind: "waiting" };

test("those who wait for any endpoint get the first place that is free, in the order of their arrival", () => {
  const queue = queueOf({});
  expect([queue.arrive("a", any), queue.arrive("b", any)]).toEqual([admitted(0), admitted(1)]);
  expect([queue.arrive("c", any), queue.arrive("d", any)]).toEqual([waiting, waiting]);
  expect(queue.leave(1)).toEqual([{ waiter: "c", index: 1 }]);
  expect(queue.leave(1)).toEqual([{ waiter: "d", index: 1 }]);
  expect(queue.leave(0)).toEqual([]);
  expect(queue.arrive("e", any)).toEqual(admitted(0));
});

test("who is bound to an endpoint waits for it, and whoever has waited longest goes first", () => {
  const queue = queueOf({});
  queue.arrive("a", any);
  queue.arrive("b", any);
  expect(queue.arrive("own", boundTo(1))).toEqual(waiting);
  expect(queue.arrive("any", any)).toEqual(waiting);
  expect(queue.leave(0)).toEqual([{ waiter: "any", index: 0 }]);
  expect(queue.leave(1)).toEqual([{ waiter: "own", index: 1 }]);
});

test("an endpoint for which somebody waits gets no others meanwhile", () => {
  const queue = queueOf({ maxConnections: [1, 2] });
  queue.arrive("a", boundTo(0));
  queue.arrive("b", boundTo(0));
  expect(queue.arrive("c", any)).toEqual(admitted(1));
  expect(queue.leave(0)).toEqual([{ waiter: "b", index: 0 }]);
});

test("maxQueue: sessions move on, hashed requests are refused", () => {
  const queue = queueOf({ maxQueue: [1, 1] });
  queue.arrive("a", boundTo(0));
  expect(queue.arrive("b", boundTo(0))).toEqual(waiting);
  expect(queue.arrive("c", boundTo(0))).toEqual(admitted(1));
  expect(queue.arrive("d", boundTo(0, false))).toEqual({ kind: "refused" });
});

test("more than may wait are refused, and those who give up make room", () => {
  const queue = queueOf({ maxConnections: [1], maxQueue: [Infinity], maxWaiting: 1 });
  const only = firstOf(0);
  queue.arrive("a", only);
  expect(queue.arrive("b", only)).toEqual(waiting);
  expect(queue.arrive("c", only)).toEqual({ kind: "refused" });
  queue.giveUp("b");
  expect(queue.arrive("d", only)).toEqual(waiting);
  expect(queue.leave(0)).toEqual([{ waiter: "d", index: 0 }]);
});

test("without an endpoint nobody begins to wait, but whoever waits goes on waiting until one is back", () => {
  const up = new Set([0]);
  const picker: PlacePicker = { pick: (full) => [...up].find((index) => !full.includes(index)) ?? -1 };
  const queue = queueOf({});
  queue.arrive("a", picker);
  expect(queue.arrive("b", picker)).toEqual(waiting);
  up.clear();
  expect(queue.arrive("c", picker)).toEqual({ kind: "unavailable" });
  expect(queue.lookAnew()).toEqual([]);
  expect(queue.leave(0)).toEqual([]);
  up.add(1);
  expect(queue.lookAnew()).toEqual([{ waiter: "b", index: 1 }]);
});

test("who is bound to an endpoint that goes down is picked another one", () => {
  let own = 0;
  const queue = queueOf({});
  queue.arrive("a", firstOf(0));
  expect(queue.arrive("b", { ...any, bound: () => own })).toEqual(waiting);
  own = -1;
  expect(queue.lookAnew()).toEqual([{ waiter: "b", index: 1 }]);
});

test("between minConnections and maxConnections the bound grows with the requests of the backend", () => {
  const queue = queueOf({
    maxConnections: [4],
    minConnections: [1],
    maxQueue: [Infinity],
    fullConnections: 8,
  });
  const only = firstOf(0);
  const arrivals = ["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => queue.arrive(name, only).kind);
  // The fourth request is the first for which 4 × requests / 8 is 2, the sixth the first for which it is 3.
  expect(arrivals).toEqual([
    "admitted",
    "waiting",
    "waiting",
    "admitted",
    "waiting",
    "admitted",
    "waiting",
    "admitted",
  ]);
});
