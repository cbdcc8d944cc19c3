// Sample expressions of haproxy.cfg in conditions, values, locations and paths, one made of what another has made: what the
// gateway answers is what real HAProxy answers.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";

/** Alg RS256, subject ann. */
const token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4iLCJyb2xlcyI6WyJhIl19.c2ln";

const config = (ports: Record<"web" | "paths" | "answers", number>, origin: number): string => `
${httpDefaults}frontend web
  bind 127.0.0.1:${ports.web}
  http-request set-var(txn.a) req.hdr(a)
  http-request set-var(txn.b) req.hdr(b),b64dec
  http-request set-var(txn.joined) var(txn.a),concat(-,txn.b,+)
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.alg) var(txn.token),jwt_header_query('$.alg')
  http-request set-var(txn.user) var(txn.token),jwt_payload_query('$.sub')
  http-request set-var(txn.kind) str(none)
  http-request set-var(txn.kind) str(some) if { var(txn.joined) -m beg x- }
  http-request deny deny_status 410 if { path /alg } !{ var(txn.alg) -m str RS256 }
  http-request deny deny_status 410 if { path /same } { req.hdr(c),strcmp(txn.a) eq 0 }
  http-request deny deny_status 410 if { path /secret } !{ req.hdr(c),sha1,base64,secure_memcmp(txn.a) }
  http-request deny deny_status 410 if { path /bytes } { req.hdr(c),sha1,secure_memcmp(txn.b) }
  http-request deny deny_status 410 if { path /count } { req.hdr_cnt(a) gt 2 }
  http-request deny deny_status 405 if { path /count } { req.hdr_cnt(a) lt 2 }
  http-request deny deny_status 410 if { path /second } { req.hdr(a,2) -m str two }
  http-request deny deny_status 405 if { path /second } !{ req.hdr(a,-2) -m found }
  http-request deny deny_status 410 if { path /hash } { var(txn.joined),crc32,mod(2) eq 0 }
  http-request deny deny_status 410 if { path /version } !{ req.ver 1.1 }
  http-request deny deny_status 410 if { path /port } { src_port 1:1023 }
  http-request deny deny_status 410 if { path /user } { http_auth_user ann } { http_auth_pass -m str s:x }
  http-request deny deny_status 410 if { path /query } { req.fhdr(json),json_query('$.n','int') -m int gt 41 }
  http-request deny deny_status 410 if { path /language } { req.fhdr(accept-language),language(fr;en) -m str fr }
  http-request return status 200 content-type text/plain lf-string "%[var(txn.joined)]|%[var(txn.joined),sha1,hex]|%[var(txn.user),upper]|%[var(txn.kind)]|%[req.hdr(a,1)]|%[req.hdr(a,2)]|%[req.hdr_cnt(a)]|%HV|%r|%f|%fp|%[req.hdr_ip(ip)]|%[http_auth_user]|%[req.fhdr(a),field(-2,.)]"

frontend paths
  bind 127.0.0.1:${ports.paths}
  http-request set-var(req.old) url
  http-request set-var(req.path) path
  http-request set-path /one%[path]
  http-request replace-path (.*) \\1/two if { req.hdr(twice) -m found }
  http-request set-query a=%[req.hdr(a)]&%[query] if { path -m end /two }
  http-request replace-uri ^/one/(.*) /\\1 if { req.hdr(back) -m found }
  http-request replace-path /(..) /-\\1- if { url -m sub two?a= }
  http-request set-pathq %[path,lower]?was=%[var(req.path)]&%[query] if { req.hdr(whole) -m found }
  http-request set-uri %[str(),concat(/bu,req.old,/eu)] if { req.hdr(uri) -m found }
  http-request set-header x-path %[path]
  http-request set-header x-query %[query]
  http-request set-header x-url %[url]
  http-request redirect code 302 location https://%[req.hdr(host),lower]%[url] if { req.hdr(go) -m found }
  default_backend origin

frontend answers
  bind 127.0.0.1:${ports.answers}
  http-request set-var(txn.path) path
  http-response set-var(txn.type) res.hdr(content-type)
  http-response set-header x-copy "<%[res.hdr(x-list)]|%[res.fhdr(x-list)]|%[res.hdr(x-list,1)]>"
  http-response set-header x-status "%[status] %s %[var(txn.path),upper] %[var(txn.type)]"
  http-response del-header x-list
  http-response set-header x-gone "<%[res.hdr(x-list)]>"
  http-response set-header x-twice "%[res.hdr(x-copy),length] %[res.hdr(x-status),word(2, )]"
  http-response set-header x-cookie %[res.cook(sid)]
  http-response set-status 202 if { path_beg /never }
  http-after-response set-header x-after "%[status] %[res.fhdr(x-twice)]"
  default_backend origin

backend origin
  server first 127.0.0.1:${origin}
`;

let origin: Server;
let running: BesideHaproxy<"web" | "paths" | "answers">;

beforeAll(async () => {
  origin = createServer((request, response) => {
    response.setHeader("x-list", "one, two");
    response.setHeader("set-cookie", ["other=1", "sid=abc; Path=/"]);
    response.setHeader("content-type", "text/plain");
    const seen = ["x-path", "x-query", "x-url"].map((name) => String(request.headers[name]));
    response.statusCode = 201;
    response.end([request.url, ...seen].join(" "));
  });
  await new Promise<void>((done) => origin.listen(0, "127.0.0.1", done));
  const { port } = origin.address() as AddressInfo;
  running = await startBesideHaproxy({
    ports: ["web", "paths", "answers"],
    config: (ports) => config(ports, port),
  });
});
afterAll(async () => {
  await running?.stop();
  origin.closeAllConnections();
  origin.close();
});

/** What both answer, ports of their own apart. */
async function answers(
  port: "web" | "paths" | "answers",
  path: string,
  headers: Record<string, string>,
): Promise<[ours: unknown, theirs: unknown]> {
  const answer = async (side: Readonly<Record<string, number>>): Promise<unknown> => {
    const { status, body, headers: fields } = await ask({ port: side[port]!, host: "A.test", path, headers });
    const told = ["location", "x-copy", "x-status", "x-gone", "x-twice", "x-cookie", "x-after"].map(
      (name) => `${name}: ${String(fields[name])}`,
    );
    const text = status === 200 || status === 201 ? body.replaceAll(String(side[port]), "PORT") : "";
    return { status, text, told };
  };
  return [await answer(running.ours), await answer(running.theirs)];
}

describe.skipIf(haproxyMissing() !== undefined)("sample expressions, beside real HAProxy", () => {
  test.each<[path: string, headers: Record<string, string>]>([
    ["/", {}],
    ["/x?y=1", { a: "x", b: "aGVsbG8=", authorization: `Bearer ${token}` }],
    ["/", { a: "a.b.c, two, three", ip: "10.0.0.1, 2001:db8::1" }],
    ["/", { a: "two", ip: "nonsense", authorization: "Basic YW5uOnM6eA==" }],
    ["/alg", { authorization: `Bearer ${token}` }],
    ["/alg", { authorization: `Basic ${token}` }],
    ["/alg", {}],
    ["/same", { a: "1", c: "1" }],
    ["/same", { a: "1", c: "2" }],
    ["/same", { c: "2" }],
    ["/same", { a: "2" }],
    ["/same", {}],
    ["/secret", { c: "abc", a: "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" }],
    ["/secret", { c: "abd", a: "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" }],
    ["/bytes", { c: "abc", b: "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=" }],
    ["/bytes", { c: "abc", b: "qZk+" }],
    ["/count", { a: "1" }],
    ["/count", { a: "1, 2" }],
    ["/count", { a: "1, 2, 3" }],
    ["/count", {}],
    ["/count", { a: "1,,2" }],
    ["/count", { a: '"1, 2", 3' }],
    ["/", { a: '1,,2 , "x,y", z' }],
    ["/second", { a: "one, two" }],
    ["/second", { a: "one,  three" }],
    ["/second", { a: "one" }],
    ["/hash", { a: "1", b: "aGVsbG8=" }],
    ["/hash", { a: "2", b: "aGVsbG8=" }],
    ["/hash", { a: "3" }],
    ["/hash", {}],
    ["/version", {}],
    ["/port", {}],
    ["/user", { authorization: "Basic YW5uOnM6eA==" }],
    ["/user", { authorization: "Basic YW5uOnM=" }],
    ["/query", { json: '{"n":42}' }],
    ["/query", { json: '{"n":41}' }],
    ["/query", { json: "{" }],
    ["/language", { "accept-language": "en;q=0.5, fr" }],
    ["/language", { "accept-language": "en, fr;q=0.5" }],
  ])("%s with %j", async (path, headers) => {
    const [ours, theirs] = await answers("web", path, headers);
    expect(ours).toEqual(theirs);
  });

  const marks = ["twice", "back", "whole", "uri", "go"];
  const every = Array.from({ length: 2 ** marks.length }, (_, bits) =>
    marks.filter((_mark, index) => (bits & (1 << index)) !== 0),
  );

  test.each(every)("a path that is changed by several rules: %s %s %s %s %s", async (...names) => {
    const headers = Object.fromEntries([...names.map((name) => [name, "1"] as const), ["a", "7"] as const]);
    for (const path of ["/Some/path?q=1", "/x"]) {
      const [ours, theirs] = await answers("paths", path, headers);
      expect({ path, ours }).toEqual({ path, ours: theirs });
    }
  });

  test("headers of responses tell what the response was", async () => {
    const [ours, theirs] = await answers("answers", "/some/where", {});
    expect(ours).toEqual(theirs);
  });
});
