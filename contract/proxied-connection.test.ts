import { expect, test } from "vitest";
import { proxiedConnectionText, readProxiedConnection } from "./proxied-connection.ts";

test.each([
  ["192.0.2.1:5000", "10.0.0.1:80", { address: "192.0.2.1", port: 5000 }, { address: "10.0.0.1", port: 80 }],
  ["[2001:db8::1]:5000", "[::]:443", { address: "2001:db8::1", port: 5000 }, { address: "::", port: 443 }],
  ["unknown", "10.0.0.1:80", undefined, { address: "10.0.0.1", port: 80 }],
  ["192.0.2.1:70000", "", undefined, undefined],
])("%s to %s", (client, server, source, destination) => {
  const read = readProxiedConnection(proxiedConnectionText(client, server));
  expect([read.source, read.destination]).toEqual([source, destination]);
});
