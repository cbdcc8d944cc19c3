// What the answer of an authorization server that is called over gRPC does to a request and to what follows it.
import { expect, test } from "vitest";
import { encodeMessage, type ProtoField } from "#traffic/grpc/protobuf.ts";
import { gateOf } from "./access.fixture.ts";

const header = (name: string, value: string): ProtoField => [
  2,
  [
    [
      1,
      [
        [1, name],
        [2, value],
      ],
    ],
  ],
];
const key = "an-api-key-that-nobody-guesses";
const sha256 = async (): Promise<string> => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key));
  return [...new Uint8Array(digest)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
};
const gate = async (answer: readonly ProtoField[], extAuth: object = {}) =>
  gateOf(
    {
      extAuth: { grpc: { backendRef: { name: "judge" } }, order: "First", timeoutMs: 1_000, ...extAuth },
      apiKeyAuth: {
        credentials: [{ clientID: "shop", sha256: await sha256() }],
        extractFrom: { headers: ["x-key"] },
      },
    },
    { callBackend: () => Promise.resolve(encodeMessage(answer)) },
  );
const request = (): Request => new Request("https://a.test/?a=1", { headers: { "x-key": key } });

test("credentials that the server gives or takes are those of the request", async () => {
  const given = await (await gate([[3, [header("x-key", key)]]])).ask(new Request("https://a.test/"));
  expect(given).toHaveProperty("passed");
  const taken = await (await gate([[3, [[5, "x-key"]]]])).ask(request());
  expect(taken).toMatchObject({ code: "unauthorized" });
});

test("an answer that cannot be a head is none", async () => {
  for (const answer of [
    [[3, [header("x-user", "a\r\nb")]]],
    [[3, [header("x user", "a")]]],
  ] as ProtoField[][])
    expect(await (await gate(answer)).ask(request())).toMatchObject({ code: "auth_unavailable" });
  const denied: ProtoField[] = [
    [1, [[1, 7]]],
    [2, [[1, [[1, 101]]]]],
  ];
  expect(await (await gate(denied)).ask(request())).toMatchObject({ code: "auth_unavailable" });
});

test("without an answer the request passes only where the policy says so, as it came", async () => {
  const broken: ProtoField[] = [
    [1, [[1, 13]]],
    [5, []],
  ];
  expect(await (await gate(broken)).ask(request())).toMatchObject({ code: "auth_unavailable" });
  const open = await (await gate(broken, { failOpen: true })).ask(request());
  expect(open).toMatchObject({ passed: { query: "a=1" } });
});
