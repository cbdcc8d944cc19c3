import { expect, test } from "vitest";
import { HeldCalls } from "./held-calls.ts";
import { limits } from "./limits.ts";

const never = (): Promise<void> => new Promise(() => {});

test("news ends every call that waits, and time each its own", async () => {
  const held = new HeldCalls();
  const order: string[] = [];
  const time = Promise.withResolvers<void>();
  const calls = [
    held.untilNews(() => time.promise).then(() => order.push("late")),
    ...["a", "b"].map((name) => held.untilNews(never).then(() => order.push(name))),
  ];
  time.resolve();
  await calls[0];
  order.push("news");
  held.tellNews();
  await Promise.all(calls);
  expect(order).toEqual(["late", "news", "a", "b"]);
});

test("no more wait than may, and one that ended makes room", async () => {
  const held = new HeldCalls();
  const calls = Array.from({ length: limits.heldCalls }, () => held.untilNews(never));
  let beyond = 0;
  const late = (): Promise<void> => {
    beyond += 1;
    return Promise.resolve();
  };
  await held.untilNews(late);
  expect(beyond).toBe(0);
  held.tellNews();
  await Promise.all(calls);
  await held.untilNews(late);
  expect(beyond).toBe(1);
});
