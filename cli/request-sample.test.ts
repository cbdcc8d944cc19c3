import { expect, test } from "vitest";
import type { SnapshotListener } from "#contract/snapshot.ts";
import { maxLineChars, RequestSample } from "./request-sample.ts";

const listeners = [
  { name: "web", protocol: "HTTP", port: 8080, hostnames: [] },
  { name: "secure", protocol: "HTTPS", port: 443, hostnames: [] },
] as SnapshotListener[];

const read = (line: string, host?: string): unknown[] => {
  const sample = new RequestSample([line], { listeners, ...(host !== undefined && { host }) });
  const [found] = [...sample.requests()];
  if (!found) return ["unreadable", sample.firstUnreadable];
  const { method, url, target, headers, peerAddress } = found.request;
  return [`${method} ${url.origin}${target}`, peerAddress, Object.fromEntries(headers)];
};

test.each<[name: string, line: string, host: string | undefined, ...expected: unknown[]]>([
  [
    "our access log, with the listener's scheme and port",
    '{"ts":"…","method":"GET","host":"api.test","path":"/orders/7","listener":"web","status":200,"client":"203.0.113.9"}',
    undefined,
    "GET http://api.test:8080/orders/7",
    "203.0.113.9",
    {},
  ],
  [
    "HAProxy's log with a captured Host",
    'haproxy[14389]: 10.0.1.2:33317 [06/Feb/2026:12:14:14.655] secure~ static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {www.test|x} {} "GET /index.html?a=1 HTTP/1.1"',
    undefined,
    "GET https://www.test/index.html?a=1",
    "10.0.1.2",
    {},
  ],
  [
    "HAProxy's log without one",
    '10.0.1.2:33317 [06/Feb/2026:12:14:14.655] web static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "POST /a HTTP/1.1"',
    "www.test",
    "POST http://www.test:8080/a",
    "10.0.1.2",
    {},
  ],
  [
    "Combined Log Format",
    '203.0.113.9 - alice [06/Feb/2026:12:14:14 +0000] "GET /a%2Fb HTTP/2.0" 200 12 "https://r.test/" "curl/8"',
    "www.test",
    "GET http://www.test/a%2Fb",
    "203.0.113.9",
    {},
  ],
  [
    "Combined Log Format behind the host",
    'www.test:8080 203.0.113.9 - - [06/Feb/2026:12:14:14 +0000] "GET /a HTTP/1.1" 200 12 "-" "curl/8"',
    undefined,
    "GET http://www.test:8080/a",
    "203.0.113.9",
    {},
  ],
  [
    "Envoy's log",
    '[2026-02-06T12:14:14.655Z] "GET /c?x=1 HTTP/2" 200 - 0 5 3 2 "203.0.113.9, 10.0.0.1" "curl" "b5f3" "api.test" "10.0.0.1:80"',
    undefined,
    "GET http://api.test/c?x=1",
    "203.0.113.9",
    {},
  ],
  [
    "Istio's log, without a client",
    '[2026-02-06T12:14:14.655Z] "POST /c HTTP/1.1" 503 UH no_healthy - "-" 0 5 3 - "-" "curl" "b5f3" "api.test:8080" "-" - - 10.0.0.1:8080 203.0.113.9:1 - default',
    undefined,
    "POST http://api.test:8080/c",
    "192.0.2.1",
    {},
  ],
  [
    "a head with headers and a client",
    "get https://api.test/x?y=1 [Cookie: a=1; b=2] [x-tester: yes] [from: 198.51.100.7]",
    undefined,
    "GET https://api.test/x?y=1",
    "198.51.100.7",
    { cookie: "a=1; b=2", "x-tester": "yes" },
  ],
])("%s", (_name, line, host, ...expected) => {
  expect(read(line, host)).toEqual(expected);
});

test.each([
  ["no host", '203.0.113.9 - - [06/Feb/2026:12:14:14 +0000] "GET /a HTTP/1.1" 200 1'],
  ["broken JSON", '{"method":"GET"'],
  ["JSON without a path", '{"method":"GET","host":"a"}'],
  ["JSON of other types", '{"method":7,"path":["/"],"host":{}}'],
  ["words", "hello there"],
  ["a host that is none", '{"method":"GET","host":"a b","path":"/"}'],
  ["null", "{}"],
])("%s cannot be read", (_name, line) => {
  expect(read(line)).toEqual(["unreadable", 1]);
});

test("equal requests are counted together; comments and empty lines are nothing", () => {
  const lines = ["# sample", "", "GET http://a/x", "GET http://a/x", "GET http://a/y", "what", "who"];
  const sample = new RequestSample(lines, { listeners });
  expect([...sample.requests()].map(({ request, count }) => [request.target, count])).toEqual([
    ["/x", 2],
    ["/y", 1],
  ]);
  expect([sample.unreadable, sample.firstUnreadable]).toEqual([2, 6]);
});

test("however many lines there are, only so many are kept", () => {
  function* lines(): Iterable<string> {
    for (let index = 0; index < 25_000; index += 1) yield `GET http://a/${index}`;
    yield `GET http://a/${"x".repeat(maxLineChars)}`;
  }
  const sample = new RequestSample(lines(), { listeners });
  let count = 0;
  for (const request of sample.requests()) count += request.count;
  expect([count, sample.firstUnreadable]).toEqual([25_000, 25_001]);
});
