import { expect, test } from "vitest";
import { ClientLimits } from "./client-limits.ts";

test("each client has a number of connections, and gets back what it leaves", () => {
  const clients = new ClientLimits([{ maxConnections: 2 }]);
  expect([0, 0, 0].map((nowMs) => clients.enter("192.0.2.1", nowMs))).toEqual([true, true, false]);
  expect(clients.enter("192.0.2.2", 0)).toBe(true);
  clients.leave("192.0.2.1");
  expect(clients.enter("192.0.2.1", 0)).toBe(true);
  clients.leave("192.0.2.1");
  clients.leave("192.0.2.1");
  clients.leave("192.0.2.2");
  expect(clients.clients).toBe(0);
});

test("of IPv6, a customer's network is one client", () => {
  const clients = new ClientLimits([{ maxConnections: 1 }]);
  expect(clients.enter("2001:db8:0:1::1", 0)).toBe(true);
  expect(clients.enter("2001:db8:0:1::2", 0)).toBe(false);
  expect(clients.enter("2001:db8:0:2::1", 0)).toBe(true);
});

test("who goes on trying above the rate stays out; who waits comes in again", () => {
  const clients = new ClientLimits([{ rateLimit: { connections: 2, windowMs: 1_000 } }]);
  const tries = (...times: number[]): boolean[] => times.map((nowMs) => clients.enter("192.0.2.1", nowMs));
  expect(tries(0, 10, 20)).toEqual([true, true, false]);
  // Three of the window before, by half, and those since.
  expect(tries(1_400, 1_500, 1_900)).toEqual([true, false, false]);
  expect(tries(4_000)).toEqual([true]);
});

test("a limit may be for some networks, or for all but some", () => {
  const clients = new ClientLimits([
    { clientCIDRs: ["10.0.0.0/8"], exceptCIDRs: ["10.1.0.0/16"], maxConnections: 1 },
    { exceptCIDRs: ["10.0.0.0/8"], maxConnections: 2 },
  ]);
  const enter = (address: string): boolean[] => [1, 2, 3].map(() => clients.enter(address, 0));
  expect(enter("10.2.0.1")).toEqual([true, false, false]);
  expect(enter("10.1.0.1")).toEqual([true, true, true]);
  expect(enter("192.0.2.1")).toEqual([true, true, false]);
});
