// Sections that are chained by Unix sockets, as files have them that look at the server name before TLS ends; beside the real HAProxy.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, httpDefaults, startBesideHaproxy } from "./system/beside-haproxy.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { type Answer, ask } from "./system/http.ts";
import { selfSignedPem } from "./system/self-signed.ts";

describe("sections chained by Unix sockets", () => {
  let running: BesideHaproxy<"tls" | "web">;

  beforeAll(async () => {
    running = await startBesideHaproxy({
      ports: ["tls", "web"],
      files: { "term.pem": await selfSignedPem("term.test") },
      config: ({ tls, web }, folder) => `${httpDefaults}
frontend names
  mode tcp
  bind 127.0.0.1:${tls}
  tcp-request inspect-delay 5s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend passed if { req.ssl_sni -i passed.test }
  default_backend term
backend passed
  mode tcp
  server s unix@${folder}/passed.sock
backend term
  mode tcp
  server s unix@${folder}/term.sock send-proxy-v2
frontend term
  bind ${folder}/term.sock accept-proxy ssl crt ${folder}/term.pem
  http-request return status 200 content-type text/plain lf-string "ended %[src] %[hdr(host)]"
frontend passed
  bind unix@${folder}/passed.sock ssl crt ${folder}/term.pem
  http-request return status 200 content-type text/plain string "passed on"
frontend web
  bind 127.0.0.1:${web}
  http-request set-header X-First one
  default_backend inner
backend inner
  server s unix@${folder}/inner.sock send-proxy
frontend inner
  bind unix@${folder}/inner.sock accept-proxy
  http-request return status 200 content-type text/plain lf-string "inner %[src] %[req.hdr(x-first)] %[path]"
`,
    });
  });

  afterAll(() => running.stop());

  const answersOf = async ({ tls, web }: { readonly tls: number; readonly web: number }) => {
    const answers: Promise<Answer>[] = [
      ask({ port: tls, host: "term.test", tls: {}, localAddress: "127.0.0.1" }),
      ask({ port: tls, host: "passed.test", tls: {} }),
      ask({ port: web, host: "a.test", path: "/x" }),
    ];
    return (await Promise.all(answers)).map(({ status, body }) => `${status} ${body}`);
  };

  const expected = ["200 ended 127.0.0.1 term.test", "200 passed on", "200 inner 127.0.0.1 one /x"];

  test("requests go from one to the next", async () => {
    expect(await answersOf(running.ours)).toEqual(expected);
  });

  test.skipIf(haproxyMissing())("as with HAProxy", async () => {
    expect(await answersOf(running.theirs)).toEqual(expected);
  });
});
