// Whatever the text: an answer, in bounded time, with a place for each error.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";
import { expectMutationsToBeRead } from "../mutated-text.fixture.ts";

const load = (content: string) => loadConfig([{ name: "haproxy.cfg", content }]);

const sample = `global
  log /dev/log local0
defaults base
  mode http
  timeout connect 5s
frontend web from base
  bind *:80
  bind *:443 ssl crt "/etc/my certs/a.pem"
  acl is_api hdr(host) -i api.test
  acl old path_reg ^/v[0-9]+/(a|b)\\.php$
  http-request set-header X-Host %[hdr(host),lower] if { ssl_fc } !is_api
  http-request redirect location https://%[hdr(host)]%[url] code 301 if !{ ssl_fc }
  http-request return status 200 content-type text/plain string "ok" if { path /ping }
  use_backend api if is_api or old
  default_backend site
backend site
  balance uri
  option httpchk GET /health
  http-check expect status 200-299
  server s1 10.0.0.1:80 check inter 2s weight 10
  server s2 [2001:db8::1]:80 backup
listen api
  bind :8080
  http-request replace-path ^/api/(.*) /\\1
  cookie SRV insert
  server a app.internal:80 ssl verify none
`;
const words = sample.split(/\s+/);

test("mutations of a configuration", () => {
  expectMutationsToBeRead({
    name: "haproxy.cfg",
    sample,
    pieces: ["\n", " ", '"', "'", "\\", "#", "{", "}", "!", "%[", "(", ")", ",", "$", "\u0000", "\u{1F600}"],
    runs: 500,
  });
});

test("random statements", () => {
  const line = fc.array(fc.constantFrom(...words), { maxLength: 8 }).map((parts) => parts.join(" "));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
      load(`frontend web\nmode http\n${lines.join("\n")}`);
    }),
    { numRuns: 300 },
  );
});

test("every beginning of a configuration", () => {
  for (let length = 0; length < sample.length; length += 7) load(sample.slice(0, length));
});

const web = "defaults\n mode http\nfrontend web\n bind *:80\n";
const end = " default_backend b\nbackend b\n server s 10.0.0.1:80\n";
const times = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

test.each<[name: string, text: string, finding: string | undefined]>([
  ["a line without end", "a".repeat(3_000_000), "haproxy-syntax"],
  ["very many words", `${web} acl a path ${"x ".repeat(500_000)}\n${end}`, "haproxy-syntax"],
  ["very many statements", `global\n${"daemon\n".repeat(300_000)}`, "limit-exceeded"],
  ["very many unknown keywords", `global\n${"nonsense\n".repeat(100_000)}`, "keyword-unknown"],
  ["very many sections", "backend a\n".repeat(50_000), "name-duplicate"],
  [
    "very many frontends, each with a backend",
    `defaults\n mode http\n${times(5_000, (i) => `frontend f\n bind :${i + 1}\n use_backend b if { path /x }\nbackend b\n server s 10.0.0.1`)}`,
    "name-duplicate",
  ],
  [
    "a chain of defaults",
    `defaults d0\n${times(200, (i) => `defaults d${i + 1} from d${i}`)}`,
    "limit-exceeded",
  ],
  [
    "an acl of very many lines",
    `${web}${times(12_000, (i) => ` acl a path /x${i}`)}\n use_backend b if a\n${end}`,
    undefined,
  ],
  [
    "conditions that multiply",
    `${web}${times(40, (i) => ` http-request set-header x-${i} 1 if { hdr(y-${i}) 1 }`)}\n${end}`,
    "limit-exceeded",
  ],
  [
    "alternatives that multiply",
    `${web} use_backend b if ${times(30, (i) => `a${i}`).replaceAll("\n", " ")}\n${times(30, (i) => ` acl a${i} path /${i}\n acl a${i} hdr(x${i}) 1`)}\n${end}`,
    "statement-unsupported",
  ],
  [
    "a nested expression",
    `${web} acl a ${"hdr(".repeat(5_000)}x${")".repeat(5_000)} y\n${end}`,
    "argument-invalid",
  ],
  [
    "an expression that explodes",
    `${web} use_backend b if { path_reg ((a{1,100}){1,100}){1,100} }\n${end}`,
    "statement-unsupported",
  ],
  ["negations", `${web} use_backend b if ${"!".repeat(60_000)}{ path /x }\n${end}`, undefined],
])("%s", { timeout: 30_000 }, (_, text, finding) => {
  const codes = load(text).diagnostics.map(({ code }) => code);
  if (finding === undefined) expect(codes).toEqual([]);
  else expect(codes).toContain(finding);
  expect(codes.length).toBeLessThanOrEqual(1_002);
});

test("a line break within a server's address", () => {
  const { diagnostics } = load("backend b\n  mode http\n  server s 10.0.0.1\\n:80\n");
  expect(diagnostics.map(({ severity }) => severity)).toContain("error");
});
