// Field lines that could become other lines, other names, or the gateway's own word on the next hop.
import { type HostileCase, message, request } from "./hostile-case.ts";

const get = (...fields: string[]): string => request("GET /here", fields);

export const headerInjectionCases: readonly HostileCase[] = [
  { title: "a carriage return alone in a value", bytes: get("X-A: b\rX-B: c"), http: "400" },
  { title: "a NUL in a value", bytes: get("X-A: b\0c"), http: "400" },
  { title: "a NUL in a name", bytes: get("X\0A: b"), http: "400" },
  { title: "a folded line", bytes: get("X-A: b", " c"), http: "400" },
  {
    title: "white space before the first name",
    bytes: message(["GET /here HTTP/1.1", " X-A: b", "Host: a.test"]),
    http: "400",
  },
  { title: "white space before a colon", bytes: get("X-A : b"), http: "400" },
  { title: "a line without a colon", bytes: get("garbage"), http: "400" },
  { title: "an empty name", bytes: get(": b"), http: "400" },
  { title: "a name that is no token", bytes: get("X(A: b"), http: "400" },
  // RFC 9112 §2.2 allows it; what goes on has both octets.
  {
    title: "lines that end with a line feed alone",
    bytes: "GET /here HTTP/1.1\nHost: a.test\nX-A: b\n\n",
    http: "200 <= GET /here",
    https: "400",
  },
  { title: "no Host", bytes: message(["GET /here HTTP/1.1"]), http: "400" },
  { title: "no Host in HTTP/1.0", bytes: message(["GET /here HTTP/1.0"]), http: "400" },
  { title: "two Hosts", bytes: message(["GET /here HTTP/1.1", "Host: a.test", "Host: b.test"]), http: "400" },
  {
    title: "two equal Hosts",
    bytes: message(["GET /here HTTP/1.1", "Host: a.test", "Host: a.test"]),
    http: "400",
  },
  { title: "a list of Hosts", bytes: message(["GET /here HTTP/1.1", "Host: a.test, b.test"]), http: "400" },
  { title: "a Host with a user", bytes: message(["GET /here HTTP/1.1", "Host: b.test@a.test"]), http: "400" },
  { title: "a Host with a path", bytes: message(["GET /here HTTP/1.1", "Host: a.test/admin?"]), http: "400" },
  { title: "a Host with a fragment", bytes: message(["GET /here HTTP/1.1", "Host: a.test#"]), http: "400" },
  { title: "a Host that is escaped", bytes: message(["GET /here HTTP/1.1", "Host: a%2etest"]), http: "400" },
  {
    title: "a Host in capitals, with the root's dot and a port, is the same host",
    bytes: message(["GET /here HTTP/1.1", "Host: A.TEST.:80"]),
    http: "200 <= GET /here",
  },
  {
    title: "what a client says of its address, scheme, host and certificate",
    bytes: get(
      "X-Forwarded-For: 6.6.6.6",
      "X-Forwarded-Proto: gopher",
      "X-Forwarded-Host: evil.test",
      "Forwarded: for=6.6.6.6",
      "X-Real-IP: 6.6.6.6",
      "True-Client-IP: 6.6.6.6",
      "CF-Connecting-IP: 6.6.6.6",
      "X-Original-URL: /admin",
      "X-Rewrite-URL: /admin",
      "Client-Cert: :AA==:",
      "X-Forwarded-Client-Cert: By=x",
    ),
    http: "200 <= GET /here",
    withheld: [
      ["x-forwarded-for", "6.6.6.6"],
      ["x-forwarded-proto", "gopher"],
      ["x-forwarded-host", "evil.test"],
      ["forwarded", "for=6.6.6.6"],
      "x-real-ip",
      "true-client-ip",
      "cf-connecting-ip",
      "x-original-url",
      "x-rewrite-url",
      "client-cert",
      "x-forwarded-client-cert",
    ],
  },
  {
    title: "the same under names that CGI reads alike",
    bytes: get(
      "X_Forwarded_For: 6.6.6.6",
      "X-Forwarded_Proto: https",
      "Client_Cert: :AA==:",
      "My_Field: mine",
    ),
    http: "200 <= GET /here",
    withheld: ["x_forwarded_for", "x-forwarded_proto", "client_cert"],
  },
  {
    title: "the gateway's own names",
    bytes: get(
      'isthmus-cf: {"clientIp":"6.6.6.6:1"}',
      "isthmus-scheme: https",
      "isthmus-debug: x",
      "isthmus-endpoint: x",
    ),
    http: "200 <= GET /here",
    withheld: ["isthmus-cf", "isthmus-scheme", "isthmus-debug", "isthmus-endpoint"],
  },
  {
    title: "Connection takes away what it names, but not what the gateway writes",
    bytes: get("Connection: X-Forwarded-For, X-Forwarded-Host, X-A", "X-A: b"),
    http: "200 <= GET /here",
    withheld: ["x-a", "connection"],
  },
  {
    title: "fields of one connection only",
    bytes: get(
      "Proxy-Connection: keep-alive",
      "Keep-Alive: timeout=9",
      "TE: gzip",
      "Proxy-Authorization: Basic eA==",
    ),
    http: "200 <= GET /here",
    withheld: ["proxy-connection", "keep-alive", "te", "proxy-authorization"],
  },
  // RFC 9110 §10.1.1: an expectation that cannot be met may be refused, or ignored.
  {
    title: "an unknown expectation",
    bytes: request("POST /here", ["Expect: 200-ok", "Content-Length: 3"], "abc"),
    http: "200 <= POST /here abc",
    https: "417",
  },
];
