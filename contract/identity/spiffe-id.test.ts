import { expect, test } from "vitest";
import { agentSpiffeId, parseAgentSpiffeId } from "./spiffe-id.ts";

test.each([
  ["isthmus.local", "production", "spiffe://isthmus.local/agent/production"],
  ["a", "team/orders.v1", "spiffe://a/agent/team/orders.v1"],
])("%s and %s make %s, and back", (trustDomain, tunnel, id) => {
  expect(agentSpiffeId(trustDomain, tunnel)).toBe(id);
  expect(parseAgentSpiffeId(id)).toEqual({ trustDomain, tunnel });
});

test.each([
  "",
  "spiffe://",
  "spiffe://a",
  "spiffe://a/",
  "spiffe://a/agent",
  "spiffe://a/agent/",
  "spiffe://a/agent/x/",
  "spiffe://a/agent//x",
  "spiffe://a/agent/../x",
  "spiffe://a/agent/.",
  "spiffe://a/agent/x?y",
  "spiffe://a/agent/x#y",
  "spiffe://a/agent/%78",
  "spiffe://a/agent/x\u0000",
  "spiffe://a/agent/x\n",
  "spiffe://A/agent/x",
  "spiffe://a:443/agent/x",
  "spiffe://u@a/agent/x",
  "SPIFFE://a/agent/x",
  "https://a/agent/x",
  "spiffe:/a/agent/x",
  "spiffe://a/Agent/x",
  "spiffe://a/node/x",
  `spiffe://a/agent/${"x".repeat(2048)}`,
  `spiffe://${"a".repeat(256)}/agent/x`,
])("%j is refused", (id) => {
  expect(() => parseAgentSpiffeId(id)).toThrow(expect.objectContaining({ code: "spiffe_id_invalid" }));
});

test("a tunnel name cannot climb out of /agent", () => {
  expect(() => agentSpiffeId("a", "../admin")).toThrow(
    expect.objectContaining({ code: "spiffe_id_invalid" }),
  );
});
