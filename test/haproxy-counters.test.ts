// Rules of haproxy.cfg that count in stick tables, beside real HAProxy: the same requests, one after the other, get the same
// answers from both.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBesideHaproxy, type BesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { eventually } from "./system/process.ts";

const table = "stick-table type string len 64 size 10k expire 30m store";

let origin: EchoServer;
let beside: BesideHaproxy<"marks" | "tags" | "values" | "scans" | "paths" | "shared" | "other" | "expiring">;

beforeAll(async () => {
  // `/404` is answered 404; headers that were sent come back.
  origin = await startEchoServer("origin", ({ url = "", headers }, response) => {
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith("x-told-")) response.setHeader(name, value!);
    }
    response.writeHead(Number(/^\/([1-5][0-9]{2})$/.exec(url)?.[1] ?? "200")).end();
    return true;
  });
  beside = await startBesideHaproxy({
    ports: ["marks", "tags", "values", "scans", "paths", "shared", "other", "expiring"],
    config: (port) => `
${httpDefaults}frontend marks
  bind 127.0.0.1:${port.marks}
  ${table} gpc0,http_req_rate(20m)
  http-request track-sc0 hdr(x-user)
  acl is-fast sc_http_req_rate(0) gt 3
  acl is-marked sc_get_gpc0(0) gt 0
  acl mark sc_inc_gpc0(0) gt 0
  http-request deny deny_status 429 if is-marked
  http-request deny deny_status 403 if is-fast mark
  default_backend site
frontend tags
  bind 127.0.0.1:${port.tags}
  ${table} gpt0,gpc0,gpc1
  http-request track-sc1 hdr(x-user)
  http-request sc-set-gpt0(1) 3 if { path /tag }
  http-request sc-inc-gpc0(1) if { path_beg /count }
  http-request sc-inc-gpc1(1) unless { path_beg /count }
  http-request deny deny_status 410 if { path /clear } { sc1_clr_gpc0 ge 0 }
  http-request deny deny_status 429 if { sc_get_gpc0(1) 2:3 } { path_end /range }
  http-request deny deny_status 405 if { sc_get_gpc1(1) lt 2 } { path /few }
  http-request return status 202 hdr x-told-counts "%[sc_get_gpc0(1)] %[sc1_get_gpc1]" if { path /told }
  use_backend tagged if { sc1_get_gpt0 eq 3 }
  default_backend site
frontend values
  bind 127.0.0.1:${port.values}
  ${table} http_req_cnt,http_req_rate(20m),http_err_cnt,http_fail_cnt,gpc0_rate(20m),gpc0
  http-request set-var(txn.before) hdr(x-user),table_http_req_cnt(values)
  http-request set-header x-told-known %[hdr(x-user),in_table(values)]
  http-request track-sc0 hdr(x-user)
  http-request set-header x-told-before %[var(txn.before)]
  http-request set-header x-told-rate %[sc_http_req_rate(0)]
  http-request sc-inc-gpc0(0) if { path /inc }
  http-request set-header x-told-counts "%[sc_http_req_cnt(0)] %[sc_http_err_cnt(0)] %[sc_http_fail_cnt(0)] %[sc_gpc0_rate(0)]"
  http-request set-header x-told-twice %[sc_http_req_cnt(0),mul(2)]
  http-request set-header x-told-tracked yes if { sc_tracked(0) }
  http-request deny deny_status 429 if { sc_http_req_cnt(0),mod(5) eq 0 } !{ path /inc }
  default_backend site
frontend scans
  bind 127.0.0.1:${port.scans}
  ${table} gpc0
  http-request track-sc0 hdr(x-user)
  http-request deny deny_status 403 if { sc_get_gpc0(0) ge 2 }
  http-response sc-inc-gpc0(0) if { status 404 }
  http-response sc-inc-gpc0(0) if { status 401 } { res.hdr(x-told-login) -m found }
  default_backend site
frontend paths
  bind 127.0.0.1:${port.paths}
  ${table} http_req_rate(20m)
  http-request track-sc0 base32+src if { path_beg /a }
  http-request track-sc0 hdr(x-user) if { hdr(x-user) -m found }
  http-request set-header x-told-rate %[sc_http_req_rate(0)]
  http-request deny deny_status 429 if { path_beg /a } { sc_http_req_rate(0) gt 2 }
  http-request deny deny_status 403 unless { path_beg /a } || { sc_http_req_rate(0) le 2 }
  default_backend site
frontend shared
  bind 127.0.0.1:${port.shared}
  http-request track-sc0 hdr(x-user) table abuse
  http-request deny deny_status 429 if { sc_get_gpc0(0,abuse) gt 1 }
  http-request sc-inc-gpc0(0) if { path /bad }
  default_backend site
frontend other
  bind 127.0.0.1:${port.other}
  acl is-bad hdr(x-user),table_gpc0(abuse) gt 1
  use_backend tagged if is-bad
  default_backend site
frontend expiring
  bind 127.0.0.1:${port.expiring}
  stick-table type string len 64 size 10k expire 1s store gpc0
  http-request track-sc0 hdr(x-user) if { path /mark }
  http-request sc-inc-gpc0(0) if { path /mark }
  http-request deny deny_status 403 if { hdr(x-user),table_gpc0(expiring) gt 0 }
  default_backend site
backend abuse
  ${table} gpc0
backend site
  server s1 127.0.0.1:${origin.port}
backend tagged
  http-request return status 218
`,
  });
});
afterAll(async () => {
  await beside?.stop();
  await origin?.stop();
});

type Port = keyof (typeof beside)["ours"];
const sides = ["ours", ...(haproxyMissing() === undefined ? (["theirs"] as const) : [])] as const;

describe.each(sides)("%s", (side) => {
  const answer = async (port: Port, path: string, user?: string, headers: Record<string, string> = {}) =>
    ask({
      port: beside[side][port],
      host: "a.test",
      path,
      headers: { ...headers, ...(user !== undefined && { "x-user": user }) },
    });
  const statuses = async (port: Port, user: string | undefined, ...paths: string[]): Promise<number[]> => {
    const all: number[] = [];
    for (const path of paths) all.push((await answer(port, path, user)).status);
    return all;
  };

  test("who is too fast is marked, and stays out", async () => {
    expect(await statuses("marks", "a", "/", "/", "/", "/", "/", "/")).toEqual([
      200, 200, 200, 403, 429, 429,
    ]);
    expect(await statuses("marks", "b", "/")).toEqual([200]);
    expect(await statuses("marks", undefined, "/", "/", "/", "/", "/")).toEqual([200, 200, 200, 200, 200]);
  });

  test("tags and counters decide in the request that sets them", async () => {
    expect(await statuses("tags", "a", "/", "/tag", "/", "/few")).toEqual([200, 218, 218, 218]);
    expect(await statuses("tags", "b", "/few", "/few")).toEqual([405, 200]);
    const range = "/count/range";
    expect(await statuses("tags", "c", range, range, range, range, "/clear", range)).toEqual([
      200, 429, 429, 200, 410, 200,
    ]);
    const { status, headers } = await answer("tags", "/told", "c");
    expect([status, headers["x-told-counts"]]).toEqual([202, "1 2"]);
  });

  test("what counters say stands in headers", async () => {
    const told = async (path: string) => {
      const { headers } = await answer("values", path, "a");
      return ["known", "before", "rate", "counts", "twice", "tracked"].map(
        (name) => headers[`x-told-${name}`],
      );
    };
    expect(await told("/")).toEqual(["0", "0", "1", "1 0 0 0", "2", "yes"]);
    expect(await told("/404")).toEqual(["1", "1", "2", "2 0 0 0", "4", "yes"]);
    expect(await told("/503")).toEqual(["1", "2", "3", "3 1 0 0", "6", "yes"]);
    expect(await told("/inc")).toEqual(["1", "3", "4", "4 1 1 1", "8", "yes"]);
    expect(await statuses("values", "a", "/", "/")).toEqual([429, 200]);
  });

  test("answers count: who asks for what is not there is kept out", async () => {
    expect(await statuses("scans", "a", "/404", "/", "/404", "/", "/404")).toEqual([404, 200, 404, 403, 403]);
    const login = { "x-told-login": "1" };
    const tries = [await answer("scans", "/401", "b", login), await answer("scans", "/401", "b")];
    tries.push(await answer("scans", "/401", "b", login), await answer("scans", "/", "b"));
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401, 403]);
  });

  test("paths and clients have rates of their own", async () => {
    expect(await statuses("paths", undefined, "/a1", "/a1", "/a2", "/a1", "/a2")).toEqual([
      200, 200, 200, 429, 200,
    ]);
    expect(await statuses("paths", "u", "/b", "/c", "/d")).toEqual([200, 200, 403]);
    expect(await statuses("paths", undefined, "/b")).toEqual([403]);
    expect((await answer("paths", "/a3", "u")).headers["x-told-rate"]).toBe("1");
  });

  test("a table is one for all sections that name it", async () => {
    expect(await statuses("other", "a", "/")).toEqual([200]);
    expect(await statuses("shared", "a", "/bad", "/bad", "/")).toEqual([200, 200, 429]);
    expect(await statuses("other", "a", "/")).toEqual([218]);
    expect(await statuses("other", "b", "/")).toEqual([200]);
  });

  test("a mark lasts until its entry expires", async () => {
    expect(await statuses("expiring", "a", "/mark")).toEqual([403]);
    await eventually("the entry expires", async () => (await answer("expiring", "/", "a")).status === 200);
    expect(await statuses("expiring", "b", "/")).toEqual([200]);
  });
});
