import { expect, test } from "vitest";
import { changeText } from "./change-text.ts";

test("names what was added, removed and changed, and which fields", () => {
  expect(
    changeText([
      { kind: "added", what: "route", name: "api", after: {} },
      { kind: "removed", what: "backend", name: "old", before: {} },
      {
        kind: "changed",
        what: "backend",
        name: "b",
        before: { endpoints: [{ port: 80 }], loadBalancer: { type: "Random" } },
        after: { endpoints: [{ port: 81 }], loadBalancer: { type: "Random" }, tunnel: "t" },
      },
    ]),
  ).toBe(
    '+ route api\n- backend old\n~ backend b\n    endpoints[0].port: 80 -> 81\n    tunnel: (none) -> "t"',
  );
});

test("says so when nothing changed", () => {
  expect(changeText([])).toBe("no changes");
});
