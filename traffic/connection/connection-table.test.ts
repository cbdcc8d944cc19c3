import { expect, test } from "vitest";
import type { SnapshotListener, TlsRoute } from "#contract/snapshot.ts";
import { compileConnections } from "./connection-table.ts";

const listener = (name: string, port: number, more: Partial<SnapshotListener> = {}): SnapshotListener => ({
  name,
  protocol: "TLS",
  port,
  hostnames: [],
  tlsMode: "Passthrough",
  ...more,
});
const rule = { id: "", backendRefs: [], timeouts: { connectMs: 1 }, maxConnectAttempts: 1 };
const tls = (name: string, listeners: string[], hostnames: string[]): TlsRoute => ({
  name,
  listeners,
  hostnames,
  rule,
});

const table = compileConnections(
  {
    listeners: [
      listener("all", 443),
      listener("shop", 443, { hostnames: ["*.shop.com"] }),
      { name: "db", protocol: "TCP", port: 5432, hostnames: [] },
      listener("only", 8443, { hostnames: ["only.com"] }),
      { name: "web", protocol: "HTTP", port: 80, hostnames: [] },
    ],
    tcpRoutes: [{ name: "database", listeners: ["db"], rule }],
    tlsRoutes: [
      tls("exact", ["all"], ["a.example.com"]),
      tls("wild", ["all", "shop"], ["*.example.com", "*.shop.com"]),
      tls("rest", ["all"], []),
      tls("only", ["only"], []),
    ],
  },
  ({ name }) => name,
);
const found = (socket: string, serverName?: string) => {
  const result = table.find({ listener: socket }, serverName);
  return result && `${result.listener.name}/${result.route ?? "-"}`;
};

test.each([
  ["all", "a.example.com", "all/exact"],
  ["all", "b.example.com", "all/wild"],
  ["all", "c.b.example.com", "all/wild"],
  ["all", "example.com", "all/rest"],
  ["all", undefined, "all/rest"],
  // Sockets belong to a port, whichever of its listeners they are named after.
  ["all", "a.shop.com", "shop/wild"],
  ["shop", "a.example.com", "all/exact"],
  ["db", undefined, "db/database"],
  ["only", "only.com", "only/only"],
  ["only", "other.com", "only/-"],
  ["only", undefined, "only/-"],
  ["web", undefined, undefined],
  ["gone", undefined, undefined],
])("a connection on %s for %s goes to %s", (socket, serverName, expected) => {
  expect(found(socket, serverName)).toBe(expected);
});

test("a socket says at which address it accepts", () => {
  const database = (name: string, more: Partial<SnapshotListener> = {}): SnapshotListener => ({
    name,
    protocol: "TCP",
    port: 5432,
    hostnames: [],
    ...more,
  });
  const { find } = compileConnections(
    {
      listeners: [database("all"), database("own", { addresses: ["10.0.0.1", "10.0.0.2"] })],
      tcpRoutes: [
        { name: "one", listeners: ["all"], rule },
        { name: "two", listeners: ["own"], rule },
      ],
    },
    ({ name }) => name,
  );
  expect(find({ listener: "all" }, undefined)?.route).toBe("one");
  expect(find({ listener: "own", address: "10.0.0.2" }, undefined)?.route).toBe("two");
  // Another version names another address for the listener.
  expect(find({ listener: "own", address: "10.0.0.3" }, undefined)?.route).toBe("one");
});

test("the first listener of a port says how its connections begin", () => {
  expect(table.first({ listener: "shop" })?.name).toBe("all");
});
