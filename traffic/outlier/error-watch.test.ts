import { expect, test } from "vitest";
import type { ObservePolicy } from "#contract/backend-policy.ts";
import type { ErrorCode } from "#contract/error.ts";
import { ErrorWatch } from "./error-watch.ts";

const endpoints = ["a", "b"].map((id) => ({ id, address: id, port: 80, weight: 1 }));
const layer7: ObservePolicy = { layer: "Layer7", errorLimit: 2, onError: "FailCheck" };
const layer4: ObservePolicy = { ...layer7, layer: "Layer4" };
const healths: string[] = [];
const balancer = {
  setHealthy: (index: number, healthy: boolean): void => void healths.push(`${index} ${healthy}`),
};

test.each<[ObservePolicy, (number | ErrorCode)[], boolean]>([
  [layer7, [500, 503], true],
  [layer7, [500, 200, 500], false],
  [layer7, [500, 404, 500], false],
  [layer7, [500, 501, 500, 505], false],
  [layer7, ["endpoint_connect_failed", "endpoint_reset"], true],
  [layer7, ["circuit_open", "circuit_open"], false],
  [layer4, [500, 500], false],
  [layer4, ["endpoint_connect_failed", "endpoint_connect_timeout"], true],
  [layer4, ["endpoint_connect_failed", "endpoint_reset", "endpoint_connect_failed"], false],
  [layer4, ["endpoint_connect_failed", 500, "endpoint_connect_failed"], false],
])("%j: %j is a word to the checks: %s", (policy, results, told) => {
  const watch = new ErrorWatch(policy, endpoints, balancer);
  const tells = results.map((result) =>
    typeof result === "number" ? watch.answered(1, result, 0) : watch.failed(1, result, 0),
  );
  expect(tells.includes(true)).toBe(told);
  expect(watch.take()).toEqual(told ? [["b", 1]] : []);
  expect(watch.take()).toEqual([]);
});

test("what marks an endpoint down does so at once, until the region has answered", () => {
  const watch = new ErrorWatch({ ...layer7, onError: "MarkDown" }, endpoints, balancer);
  const fail = (): void => [500, 500].forEach((status) => watch.answered(0, status, 0));
  fail();
  expect(healths.splice(0)).toEqual(["0 false"]);
  const sent = watch.take();
  fail();
  watch.settle();
  // The second time the region has not heard of.
  expect(watch.isMarked(0)).toBe(true);
  for (const [id, reached] of sent) watch.putBack(id, reached);
  expect(watch.take()).toEqual([["a", 2]]);
  watch.settle();
  expect(watch.isMarked(0)).toBe(false);
});

test("a new snapshot keeps what is counted", () => {
  const watch = new ErrorWatch(layer7, endpoints, balancer);
  watch.answered(0, 500, 0);
  const next = new ErrorWatch(layer7, endpoints.toReversed(), balancer, watch);
  expect(next.answered(1, 500, 0)).toBe(true);
});
