import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

test("two frontends on one port but different addresses conflict", () => {
  const frontend = (name: string, address: string): string =>
    `frontend ${name}\n bind ${address}:80\n http-request return status 200\n`;
  const content = `defaults\n mode http\n${frontend("a", "127.0.0.1")}${frontend("b", "127.0.0.2")}`;
  const { diagnostics } = loadConfig([{ name: "haproxy.cfg", content }]);
  expect(diagnostics).toEqual([
    expect.objectContaining({ code: "listener-conflict", severity: "error", line: 7 }),
  ]);
});
