import { expect, test } from "vitest";
import { changeText } from "./change-text.ts";

const route = (more: object): object => ({ name: "r", rules: [{ id: "r/0", ...more }] });
const withUsers = (...users: string[]): object =>
  route({ securityPolicy: { basicAuth: { users, realm: "a" } } });

function said(before: object, after: object): string {
  return changeText([{ kind: "changed", what: "route", name: "r", before, after }]);
}

test("each field that differs, with both values", () => {
  expect(said(route({ timeouts: { requestMs: 1 } }), route({ timeouts: { requestMs: 2 } }))).toBe(
    "~ route r\n    rules[0].timeouts.requestMs: 1 -> 2",
  );
});

test("hashes of passwords are not shown, neither by themselves nor within what is new", () => {
  expect(said(withUsers("ann:{SHA}one"), withUsers("ann:{SHA}two"))).toBe(
    "~ route r\n    rules[0].securityPolicy.basicAuth.users: changed",
  );
  const added = said(route({}), withUsers("ann:{SHA}one"));
  expect(added).toContain(`rules[0].securityPolicy: (none) -> {"basicAuth":{"users":"…","realm":"a"}}`);
});
