import { expect, test } from "vitest";
import type { CounterTableConfig, Counting } from "#contract/counter.ts";
import type { ClientRequest } from "../filter/request-text.ts";
import { CounterTables } from "./counter-tables.ts";
import { compileCounting, RequestCounters } from "./request-counters.ts";

const config: CounterTableConfig = {
  name: "clients/of-web",
  maxEntries: 10,
  counters: [{ type: "RequestCount" }, { type: "ErrorCount" }, { type: "FailureCount" }, { type: "General" }],
  keys: [
    { name: "user", parts: [{ from: "Header", name: "x-user" }] },
    { name: "address", parts: [{ from: "ClientIP" }] },
  ],
};
const request = (user?: string): ClientRequest => ({
  clientAddress: "192.0.2.1",
  scheme: "http",
  authority: "a.test",
  port: 80,
  method: "GET",
  path: "/",
  query: "",
  header: () => user ?? null,
});
const place = { table: config.name, key: "user" };
const track: Counting = { type: "Track", ...place };
const headers = new Headers();

function counted(tables: CounterTables, list: readonly Counting[], user?: string) {
  const view = new RequestCounters(tables, request(user), 0);
  const count = compileCounting(list, tables).begin(view, 0);
  return { view, count, says: (counter: string) => view.value(`${config.name}/user/${counter}`) };
}

test("a request sees what was counted before it", () => {
  const tables = new CounterTables([config]);
  expect(counted(tables, [track], "a").says("RequestCount")).toBe(0);
  expect(counted(tables, [track], "a").says("RequestCount")).toBe(1);
  expect(counted(tables, [track], "b").says("RequestCount")).toBe(0);
});

test("a request without the key is not counted, and reads nothing", () => {
  const tables = new CounterTables([config]);
  expect(counted(tables, [track]).says("RequestCount")).toBeUndefined();
  const view = new RequestCounters(tables, request(), 0);
  expect(view.value(`${config.name}/address/RequestCount`)).toBe(0);
  expect(view.value(`${config.name}/nobody/RequestCount`)).toBeUndefined();
  expect(view.value("no/such/Counter")).toBeUndefined();
});

test("answers count where they are errors, or failures of a backend, or asked for", () => {
  const tables = new CounterTables([config]);
  const add: Counting = {
    type: "Add",
    ...place,
    counter: { type: "General" },
    value: 2,
    responses: { statusCodes: [{ type: "Value", value: 404 }] },
  };
  expect(compileCounting([track], tables).ofAnswers).toBe(true);
  counted(tables, [track, add], "a").count.answered(404, headers, true, 0);
  counted(tables, [track, add], "a").count.answered(404, headers, false, 0);
  counted(tables, [track, add], "a").count.answered(503, headers, true, 0);
  counted(tables, [track, add], "a").count.answered(503, headers, false, 0);
  counted(tables, [track, add], "a").count.answered(501, headers, true, 0);
  const { says } = counted(tables, [], "a");
  expect(["RequestCount", "ErrorCount", "FailureCount", "General"].map(says)).toEqual([5, 2, 1, 2]);
});

test("a new configuration goes on with a table that keeps the same counters", () => {
  const before = new CounterTables([config]);
  counted(before, [track], "a");
  const other: CounterTableConfig = { ...config, name: "other" };
  const after = new CounterTables([{ ...config, maxEntries: 5, expiryMs: 1_000 }, other], before);
  expect(counted(after, [], "a").says("RequestCount")).toBe(1);
  const changed = new CounterTables([{ ...config, counters: [{ type: "RequestCount" }] }], after);
  expect(counted(changed, [], "a").says("RequestCount")).toBe(0);
});
