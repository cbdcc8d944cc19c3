import { expect, test } from "vitest";
import { parseProbeAnswer, probeRequest } from "./http-probe.ts";

const endpoint = { id: "[::1]:80", address: "::1", port: 80, weight: 1 };

const textOf = (http: Parameters<typeof probeRequest>[0]): string =>
  new TextDecoder().decode(probeRequest(http, endpoint));

test("a probe asks for its path with its Host, on a connection of its own", () => {
  const http = { path: "/health", method: "HEAD" as const, hostname: "pods.local", expectedStatuses: [200] };
  expect(textOf({ ...http })).toBe(
    "HEAD /health HTTP/1.1\r\nHost: pods.local\r\nUser-Agent: isthmus-health-check\r\nConnection: close\r\n\r\n",
  );
  const posted = { path: "/", method: "POST" as const, expectedStatuses: [200], body: "größe" };
  expect(textOf(posted)).toBe(
    "POST / HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: isthmus-health-check\r\nContent-Length: 7\r\nConnection: close\r\n\r\ngröße",
  );
});

test.each([
  ["", undefined],
  ["HTTP/1.1 200 O", undefined],
  ["HTTP/1.1 200 OK\r\nA: b\r\n", undefined],
  ["HTTP/1.1 200 OK\r\n\r\nhi", { status: 200, headers: [], body: "hi", isWhole: false }],
  ["HTTP/1.0 503\r\n\r\n", { status: 503, headers: [], body: "", isWhole: false }],
  ["HTTP/1.1 200 OK\nX-A:  b \n\nhi", { status: 200, headers: [["x-a", "b"]], body: "hi", isWhole: false }],
  [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
    { status: 200, headers: [["content-length", "2"]], body: "hi", isWhole: true },
  ],
  [
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    { status: 200, headers: [["transfer-encoding", "chunked"]], body: "2\r\nhi\r\n0\r\n\r\n", isWhole: true },
  ],
  [
    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    { status: 204, headers: [], body: "", isWhole: true },
  ],
  ["HTTP/1.1 101 Switching\r\n\r\n", { status: 101, headers: [], body: "", isWhole: true }],
  ["HTTP/2 200\r\n\r\n", "malformed"],
  ["SSH-2.0-OpenSSH_9.2p1 Debian", "malformed"],
  ["garbage\n", "malformed"],
])("%j reads as %j", (text, expected) => {
  expect(parseProbeAnswer(text)).toEqual(expected);
});
