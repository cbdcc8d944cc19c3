import { expect, test } from "vitest";
import { parseProbeAnswer, probeRequest } from "./http-probe.ts";
import { check } from "./region-case.ts";

const endpoint = { id: "[::1]:80", address: "::1", port: 80, weight: 1 };

test("a probe asks for its path with its Host, on a connection of its own", () => {
  const http = { path: "/health", method: "HEAD" as const, hostname: "pods.local", expectedStatuses: [200] };
  expect(probeRequest({ ...check, type: "HTTP", http }, endpoint)).toBe(
    "HEAD /health HTTP/1.1\r\nHost: pods.local\r\nUser-Agent: isthmus-health-check\r\nConnection: close\r\n\r\n",
  );
  expect(probeRequest({ ...check, type: "HTTP" }, endpoint)).toContain(
    "GET / HTTP/1.1\r\nHost: [::1]:80\r\n",
  );
});

test.each([
  ["", undefined],
  ["HTTP/1.1 200 O", undefined],
  ["HTTP/1.1 200 OK\r\nA: b\r\n", undefined],
  ["HTTP/1.1 200 OK\r\n\r\nhi", { status: 200, body: "hi" }],
  ["HTTP/1.0 503\r\n\r\n", { status: 503, body: "" }],
  ["HTTP/1.1 200 OK\n\nhi", { status: 200, body: "hi" }],
  ["HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", { status: 204, body: "" }],
  ["HTTP/2 200\r\n\r\n", "malformed"],
  ["SSH-2.0-OpenSSH_9.2p1 Debian", "malformed"],
  ["garbage\n", "malformed"],
])("%j reads as %j", (text, expected) => {
  expect(parseProbeAnswer(text)).toEqual(expected);
});
