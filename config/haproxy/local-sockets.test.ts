import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

const defaults = "defaults\n mode tcp\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n";
const load = (text: string) => loadConfig([{ name: "haproxy.cfg", content: defaults + text }]);

const chain = (socket: string, named = socket): string => `
frontend first
 bind :443
 default_backend first
backend first
 server next ${named} send-proxy-v2
listen second
 bind ${socket},127.0.0.1:8080 accept-proxy
 server s 10.0.0.1:80
`;

test.each([
  ["/run/a.sock", "unix@/run/a.sock"],
  ["unix@/run/a.sock", "/run/a.sock"],
  ["abns@term", "abns@term"],
  ["unix@relative.sock", "unix@relative.sock"],
])("%s, which a server names, is a port of this machine", (socket, named) => {
  const { model, diagnostics } = load(chain(socket, named));
  const [server] = model!.backends.find(({ name }) => name === "first")!.endpoints;
  expect(server).toMatchObject({ address: "127.0.0.1" });
  const listener = model!.listeners.find(({ port }) => port === server!.port)!;
  expect(listener).toMatchObject({ addresses: ["127.0.0.1"], proxyProtocol: {} });
  expect(server!.port).toBeGreaterThanOrEqual(61_000);
  expect(server!.port).toBeLessThan(65_000);
  expect(diagnostics.map(({ code, line }) => `${line} ${code}`)).toContain("13 statement-approximated");
});

test("the port is the same for the same path, and none that the file has", () => {
  const portOf = (text: string): number =>
    load(text).model!.backends.find(({ name }) => name === "first")!.endpoints[0]!.port;
  const port = portOf(chain("abns@term"));
  expect(portOf(`${chain("abns@term")}backend other\n server o 10.0.0.2:80\n`)).toBe(port);
  expect(portOf(`${chain("abns@term")}listen other\n bind :${port}\n server o 10.0.0.2:80\n`)).toBe(port + 1);
});

test.each([
  ["bind", "listen a\n bind unix@/run/a.sock\n server s 10.0.0.1:80\n"],
  ["server", "listen a\n bind :80\n server s unix@/run/a.sock\n"],
  ["both, of different paths", chain("/run/a.sock", "/run/b.sock")],
])("what programs outside of the file have at the other end is refused: %s", (_which, text) => {
  const codes = load(text).diagnostics.filter(({ severity }) => severity === "error");
  expect(new Set(codes.map(({ code }) => code))).toEqual(new Set(["statement-unsupported"]));
});
