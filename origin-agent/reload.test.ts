import { expect, test } from "vitest";
import { readOptions } from "./options.ts";
import { reloadedOptions } from "./reload.ts";

const flags = {
  edge: "https://edge.example.com",
  tunnel: "production",
  caFile: "ca.pem",
  data: "data",
  instance: "one",
  allow: ["10.0.0.0/8"],
};
const running = readOptions(flags);

test("what the agent dials and how long it drains is in force at once", () => {
  const read = readOptions({ ...flags, allow: ["10.0.2.0/24"], drainTimeout: "5s", connectTo: ["a:1:b:2"] });
  expect(reloadedOptions(running, read)).toEqual({
    options: read,
    changed: ["allow", "connectTo", "drainTimeoutMs"],
    ignored: [],
  });
});

test("who the agent is and where it connects to stays, and is named", () => {
  const read = readOptions({
    ...flags,
    edge: "https://other.example.com",
    zone: "b",
    allow: ["10.0.2.0/24"],
  });
  const { zone: _zone, ...others } = read;
  expect(reloadedOptions(running, read)).toEqual({
    options: { ...others, edge: running.edge },
    changed: ["allow"],
    ignored: ["edge", "zone"],
  });
});

test("nothing else than before changes nothing", () => {
  expect(reloadedOptions(running, readOptions(flags))).toEqual({
    options: running,
    changed: [],
    ignored: [],
  });
});
