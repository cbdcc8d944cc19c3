import { expect, test } from "vitest";
import { SessionTally } from "#traffic/tunnel/session-tally.ts";
import { HubCounters } from "./hub-counters.ts";

test("a batch is handed over until the region has it; what is counted meanwhile is in the next one", () => {
  const counters = new HubCounters("web");
  counters.add("handshakes_total", { result: "ok" });
  const first = {
    counters: { 'tunnel_handshakes_total{tunnel="web",result="ok"}': 1 },
    countersBatch: "1",
  };
  expect(counters.handOver(undefined, "1")).toEqual(first);
  counters.add("handshakes_total", { result: "expired" }, 2);
  for (const taken of [undefined, "of another hub"]) expect(counters.handOver(taken, "2")).toEqual(first);
  const second = {
    counters: { 'tunnel_handshakes_total{tunnel="web",result="expired"}': 2 },
    countersBatch: "3",
  };
  expect(counters.handOver("1", "3")).toEqual(second);
  expect(counters.handOver("3", "4")).toEqual({ counters: {}, countersBatch: "4" });
});

test("of a session only what it has done since it was looked at last", () => {
  const counters = new HubCounters("web");
  const tally = new SessionTally();
  const opened = 'tunnel_streams_opened_total{tunnel="web"}';
  tally.streamsOpened = 3;
  counters.look(tally);
  expect(counters.handOver(undefined, "1").counters).toEqual({ [opened]: 3 });
  tally.streamsOpened = 5;
  counters.look(tally);
  counters.look(tally);
  expect(counters.handOver("1", "2").counters).toEqual({ [opened]: 2 });
});
