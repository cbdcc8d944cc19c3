// What is made once for all rules of a place.
import { expect, test } from "vitest";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { firstOfEqual, madeOnce } from "./made-once.ts";

const policy = (name: string) => ({
  object: {
    group: "security.istio.io",
    kind: "AuthorizationPolicy",
    namespace: "shop",
    name,
  } as KubernetesObject,
});

test("made once for the same policies and ports, and anew for others", () => {
  const asked: string[] = [];
  const make = madeOnce<ReturnType<typeof policy>, undefined>(({ items, ports }) => {
    asked.push(`${items.map(({ object }) => object.name)} at ${ports}`);
    return undefined;
  });
  for (let round = 0; round < 2; round += 1) {
    make({ items: [policy("a"), policy("b")], ports: [80] });
    make({ items: [policy("a"), policy("b")], ports: [443] });
    make({ items: [policy("b")], ports: [80] });
  }
  expect(asked).toEqual(["a,b at 80", "a,b at 443", "b at 80"]);
});

test("equal values are the first of them", () => {
  const refusal = { rules: [] };
  const first = firstOfEqual<{ rules: number[] }>(refusal);
  const other = { rules: [1] };
  expect(first({ rules: [] })).toBe(refusal);
  expect(first(other)).toBe(other);
  expect(first({ rules: [1] })).toBe(other);
});
