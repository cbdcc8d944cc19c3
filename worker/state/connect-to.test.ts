import { expect, test } from "vitest";
import { compileConnectTo } from "./connect-to.ts";

test("without rules every endpoint is dialled where it says", () => {
  expect(compileConnectTo(undefined)("10.0.0.1", 80)).toEqual({ address: "10.0.0.1", port: 80 });
});

test("the first rule that fits decides; what it leaves out stays", () => {
  const connectTo = compileConnectTo(
    JSON.stringify([
      { host: "a.example", port: 80, toHost: "127.0.0.1", toPort: 8080 },
      { host: "a.example", toPort: 9090 },
      { toHost: "::1" },
    ]),
  );
  expect(connectTo("A.example", 80)).toEqual({ address: "127.0.0.1", port: 8080 });
  expect(connectTo("a.example", 81)).toEqual({ address: "a.example", port: 9090 });
  expect(connectTo("b.example", 81)).toEqual({ address: "::1", port: 81 });
});
