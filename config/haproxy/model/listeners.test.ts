import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

const codes = (binds: string): string[] =>
  loadConfig([{ name: "haproxy.cfg", content: `defaults\n mode http\n${binds}` }]).diagnostics.map(
    ({ code, line }) => `${line} ${code}`,
  );
const frontend = (name: string, bind: string): string =>
  `frontend ${name}\n bind ${bind}\n http-request return status 200\n`;

test("two frontends on one port conflict at an address that both have", () => {
  expect(codes(frontend("a", "127.0.0.1:80") + frontend("b", "127.0.0.2:80") + frontend("c", ":80"))).toEqual(
    [],
  );
  const both = "127.0.0.1:80\n bind 127.0.0.2:80";
  expect(codes(frontend("a", both) + frontend("b", "127.0.0.2:80"))).toEqual(["8 listener-conflict"]);
  expect(codes(frontend("a", ":80") + frontend("b", "*:80"))).toEqual(["7 listener-conflict"]);
});

test("`or` has letters of both cases; what follows the name of defaults is passed over", () => {
  const content = `defaults common mode http
 mode http
frontend a
 bind :80
 http-request deny unless { path /a } OR { path /b }
 http-request return status 200
`;
  const { diagnostics, snapshot } = loadConfig([{ name: "haproxy.cfg", content }]);
  expect(diagnostics.map(({ code, line }) => `${line} ${code}`)).toEqual(["1 statement-ignored"]);
  expect(JSON.stringify(snapshot?.routes)).toContain("/b");
});

test("localhost is an address that every machine has", () => {
  const content = `defaults\n mode http\n${frontend("a", "localhost:80")}`;
  const { snapshot } = loadConfig([{ name: "haproxy.cfg", content }]);
  expect(snapshot?.listeners[0]?.addresses).toEqual(["127.0.0.1"]);
  expect(codes(frontend("a", "somewhere:80"))).toEqual(["4 statement-unsupported"]);
});
