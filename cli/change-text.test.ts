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

test("hashes of passwords are not shown, neither by themselves nor within what is new", () => {
  const route = (more: object): object => ({ name: "r", rules: [{ id: "r/0", ...more }] });
  const withUsers = (...users: string[]): object =>
    route({ securityPolicy: { basicAuth: { users, realm: "a" } } });
  const said = (before: object, after: object): string =>
    changeText([{ kind: "changed", what: "route", name: "r", before, after }]);
  expect(said(withUsers("ann:{SHA}one"), withUsers("ann:{SHA}two"))).toBe(
    "~ route r\n    rules[0].securityPolicy.basicAuth.users: changed",
  );
  expect(said(route({}), withUsers("ann:{SHA}one"))).toContain(
    `rules[0].securityPolicy: (none) -> {"basicAuth":{"users":"…","realm":"a"}}`,
  );
});
