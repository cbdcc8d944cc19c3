// Framing that two readers could read differently (RFC 9112 §6.3, §11.2): where one request ends and the next begins.
import { type HostileCase, message, request } from "./hostile-case.ts";

const post = (fields: readonly string[], body: string): string => request("POST /here", fields, body);
const chunked = (body: string): string => post(["Transfer-Encoding: chunked"], body);
const sized = (length: string, body = "abc"): string => post([`Content-Length: ${length}`], body);
const coded = (coding: string): string => post([`Transfer-Encoding: ${coding}`], "3\r\nabc\r\n0\r\n\r\n");
const smuggled = "GET /admin HTTP/1.1\r\nHost: a.test\r\n\r\n";

export const smugglingCases: readonly HostileCase[] = [
  // Both framings: RFC 9112 §6.1 lets a server take the chunks, if it closes the connection behind them. So does workerd.
  {
    title: "CL.TE",
    bytes: post(["Content-Length: 6", "Transfer-Encoding: chunked"], `0\r\n\r\n${smuggled}`),
    http: "200 <= POST /here",
    https: "400",
  },
  {
    title: "TE.CL",
    bytes: post(
      ["Transfer-Encoding: chunked", "Content-Length: 4"],
      `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    ),
    http: `200 <= POST /here ${smuggled}`,
    https: "400",
  },
  {
    title: "Content-Length of 0 beside chunks",
    bytes: post(["Content-Length: 0", "Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"),
    http: "200 <= POST /here abc",
    https: "400",
  },
  {
    title: "two lengths that differ",
    bytes: post(["Content-Length: 3", "Content-Length: 44"], `abc${smuggled}`),
    http: "400",
  },
  // RFC 9112 §6.3: equal ones may become one.
  {
    title: "two lengths that are equal",
    bytes: post(["Content-Length: 3", "Content-Length: 3"], "abc"),
    http: "200 <= POST /here abc",
    https: "400",
  },
  { title: "a list of lengths", bytes: sized("3, 3"), http: "400" },
  { title: "a length with a sign", bytes: sized("+3"), http: "400" },
  { title: "a negative length", bytes: sized("-1"), http: "400" },
  { title: "a hexadecimal length", bytes: sized("0x3"), http: "400" },
  { title: "a length beyond 64 bits", bytes: sized("18446744073709551619"), http: "400" },
  { title: "an empty length", bytes: sized(""), http: "400" },
  { title: "a length with a space in it", bytes: sized("1 0"), http: "400" },
  { title: "a length with a suffix", bytes: sized("3;x"), http: "400" },
  {
    title: "white space before the colon of Content-Length",
    bytes: post(["Content-Length : 3"], "abc"),
    http: "400",
  },
  {
    title: "white space before the colon of Transfer-Encoding",
    bytes: post(["Transfer-Encoding : chunked"], "0\r\n\r\n"),
    http: "400",
  },
  { title: "an unknown coding", bytes: coded("xchunked"), http: "400" },
  { title: "a quoted coding", bytes: coded('"chunked"'), http: "400" },
  { title: "chunked is not the last coding", bytes: coded("chunked, identity"), http: "400" },
  // workerd reads the chunks once, and sends its own.
  {
    title: "chunked twice",
    bytes: coded("chunked, chunked"),
    http: "200 <= POST /here abc",
    https: "400",
  },
  {
    title: "a coding in a second field",
    bytes: post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], "0\r\n\r\n"),
    http: "400",
  },
  {
    title: "identity, with a length",
    bytes: post(["Transfer-Encoding: identity", "Content-Length: 3"], "abc"),
    http: "400",
  },
  { title: "a coding behind a vertical tab", bytes: coded("\x0bchunked"), http: "400" },
  { title: "a coding behind a NUL", bytes: coded("\0chunked"), http: "400" },
  { title: "a coding in capitals is the coding", bytes: coded("CHUNKED"), http: "200 <= POST /here abc" },
  { title: "a coding behind a tab is the coding", bytes: coded("\tchunked"), http: "200 <= POST /here abc" },
  {
    title: "a coding on a folded line",
    bytes: post(["Transfer-Encoding:", " chunked"], "0\r\n\r\n"),
    http: "400",
  },
  {
    title: "an alias of Transfer-Encoding stays here",
    bytes: request("GET /here", ["Transfer_Encoding: chunked", "Content_Length: 40"]),
    http: "200 <= GET /here",
    withheld: ["transfer_encoding", "content_length"],
  },
  {
    title: "chunks in HTTP/1.0",
    bytes: message(
      ["POST /here HTTP/1.0", "Host: a.test", "Transfer-Encoding: chunked"],
      "3\r\nabc\r\n0\r\n\r\n",
    ),
    http: "400",
  },
  {
    title: "Connection cannot take the framing away: Content-Length",
    bytes: post(["Connection: Content-Length", "Content-Length: 3"], "abc"),
    http: "200 <= POST /here abc",
  },
  {
    title: "Connection cannot take the framing away: Transfer-Encoding",
    bytes: post(["Connection: Transfer-Encoding", "Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"),
    http: "200 <= POST /here abc",
  },
  {
    title: "an extension of a chunk",
    bytes: chunked("3;a=b\r\nabc\r\n0\r\n\r\n"),
    http: "200 <= POST /here abc",
  },
  { title: "a line feed in an extension", bytes: chunked("3;a\nb\r\nabc\r\n0\r\n\r\n"), http: "400" },
  { title: "chunk sizes that end with a line feed", bytes: chunked("3\nabc\n0\n\n"), http: "400" },
  { title: "a chunk size with 0x", bytes: chunked("0x3\r\nabc\r\n0\r\n\r\n"), http: "400" },
  { title: "a negative chunk size", bytes: chunked("-1\r\nabc\r\n0\r\n\r\n"), http: "400" },
  {
    title: "a chunk size beyond 64 bits",
    bytes: chunked("10000000000000003\r\nabc\r\n0\r\n\r\n"),
    http: "400",
  },
  { title: "a space before a chunk size", bytes: chunked(" 3\r\nabc\r\n0\r\n\r\n"), http: "400" },
  { title: "a chunk longer than its size", bytes: chunked("3\r\nabcXX0\r\n\r\n"), http: "400" },
  {
    title: "a trailer does not become a header",
    bytes: chunked("3\r\nabc\r\n0\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n"),
    http: "200 <= POST /here abc",
    withheld: [["x-forwarded-for", "6.6.6.6"]],
  },
  // RFC 9110 §9.3.1: a GET may have content, which must not pass for the next request.
  {
    title: "a GET with a length",
    bytes: request("GET /here", [`Content-Length: ${smuggled.length}`], smuggled),
    http: `200 <= GET /here ${smuggled}`,
  },
  {
    title: "a GET in chunks: the content ends here",
    bytes: request("GET /here", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n0\r\n\r\n"),
    http: "200 <= GET /here",
  },
  {
    title: "a HEAD with a length",
    bytes: request("HEAD /here", ["Content-Length: 3"], "abc"),
    http: "200 <= HEAD /here abc",
  },
  {
    title: "an upgrade to HTTP/2 in the clear is not made",
    bytes: request("GET /here", [
      "Connection: Upgrade, HTTP2-Settings",
      "Upgrade: h2c",
      "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ]),
    http: "200 <= GET /here",
    withheld: ["upgrade", "http2-settings", "connection"],
  },
  // workerd's `fetch` would make it a GET.
  {
    title: "an upgrade with POST stays a POST, or is refused",
    bytes: post(["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3"], "abc"),
    http: "200 <= POST /here abc",
    https: "400",
    withheld: ["upgrade"],
  },
  { title: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", http: "closed", https: "400" },
  {
    title: "an empty line before the request",
    bytes: `\r\n\r\n${request("GET /here")}`,
    http: "200 <= GET /here",
  },
];
