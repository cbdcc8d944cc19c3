import { expect, test } from "vitest";
import { Reachability } from "./reachability.ts";

test("what comes back while a request waits is an answer, what came before is not", () => {
  const reachability = new Reachability();
  expect(reachability.since(100, 200)).toBe("unknown");
  reachability.looked(true, 99);
  expect(reachability.since(100, 200)).toBe("unknown");
  reachability.looked(true, 100);
  expect(reachability.since(100, 200)).toBe("answers");
});

test("silence counts when it has lasted into the second half of the wait", () => {
  const reachability = new Reachability();
  reachability.looked(false, 149);
  expect(reachability.since(100, 200)).toBe("unknown");
  reachability.looked(false, 150);
  expect(reachability.since(100, 200)).toBe("silent");
  reachability.looked(true, 151);
  expect(reachability.since(100, 200)).toBe("answers");
});

test("a look is under way until it has found something, or its time is up", () => {
  const reachability = new Reachability();
  expect(reachability.lookingUntilMs).toBeLessThan(0);
  reachability.looking(250);
  expect(reachability.lookingUntilMs).toBe(250);
  reachability.looked(false, 240);
  expect(reachability.lookingUntilMs).toBeLessThan(0);
});
