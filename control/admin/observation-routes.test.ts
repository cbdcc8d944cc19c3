import { reset } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { readPrometheus } from "#contract/prometheus-reader.fixture.ts";
import { admin, bootstrapToken, internal, publish, syncReport } from "../control-fixture.ts";
import { haproxyColumns } from "../stats/haproxy-csv.ts";

const entry = exports as unknown as { default: Fetcher };
const endpoint = "203.0.113.7:8080";
const key = `orders|${endpoint}`;
const hostile = `<script>alert("1")</script>, and "more"\nthan that`;

const labels = `backend="orders",endpoint="${endpoint}"`;
const counters = {
  requests_total: 12,
  sync_calls_total: 3,
  'requests_total{route="all",backend="orders",code="2xx"}': 10,
  'requests_total{route="all",backend="orders",code="5xx"}': 2,
  [`endpoint_requests_total{${labels},code="2xx"}`]: 10,
  'listener_requests_total{listener="web",code="2xx"}': 12,
  'retries_total{backend="orders"}': 4,
};
const histograms = {
  'request_duration{route="all",backend="orders"}': [8, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 30_060],
  [`endpoint_request_duration{${labels}}`]: [10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20],
};

beforeEach(async () => {
  await reset();
  await publish(8080);
  const verdict = { key, healthy: false, reason: hostile, sinceMs: 5, source: "gateway" };
  await internal(
    "/sync",
    syncReport({
      counters,
      histograms,
      gauges: { [`requests_in_flight{${labels}}`]: 6 },
      endpoints: [verdict],
    }),
  );
});

function get(path: string, authorization = `Bearer ${bootstrapToken}`): Promise<Response> {
  return entry.default.fetch(`https://control.test${path}`, { headers: { authorization } });
}

test("metrics are valid, and histograms count up in seconds", async () => {
  const response = await get("/metrics");
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  const families = readPrometheus(await response.text());
  expect(Object.fromEntries(families.get("isthmus_requests_total")!.samples)).toEqual({
    'isthmus_requests_total{region="eu",route="all",backend="orders",code="2xx"}': 10,
    'isthmus_requests_total{region="eu",route="all",backend="orders",code="5xx"}': 2,
  });
  const { samples, type } = families.get("isthmus_request_duration_seconds")!;
  const series = 'region="eu",route="all",backend="orders"';
  expect(type).toBe("histogram");
  expect(samples.get(`isthmus_request_duration_seconds_bucket{${series},le="0.005"}`)).toBe(8);
  expect(samples.get(`isthmus_request_duration_seconds_bucket{${series},le="10"}`)).toBe(11);
  expect(samples.get(`isthmus_request_duration_seconds_bucket{${series},le="+Inf"}`)).toBe(12);
  expect(samples.get(`isthmus_request_duration_seconds_sum{${series}}`)).toBe(30.06);
  expect(
    families.get("isthmus_endpoint_healthy")!.samples.get(`isthmus_endpoint_healthy{region="eu",${labels}}`),
  ).toBe(0);
  expect([...families.get("isthmus_requests_in_flight")!.samples.values()]).toEqual([6]);
  expect([...families.keys()]).toEqual(
    expect.arrayContaining(["isthmus_retries_total", "isthmus_sync_calls_total", "isthmus_config_version"]),
  );
});

test("histograms stay when a heartbeat comes without them", async () => {
  await internal("/sync", syncReport({ counters }));
  expect(await (await get("/metrics")).text()).toContain("isthmus_request_duration_seconds_sum");
});

test("statistics tell requests, rates, averages and states", async () => {
  const { body } = await admin("GET", "/v1/stats");
  expect(body.listeners).toMatchObject([{ name: "web", port: 80, requests: 12 }]);
  expect(body.backends).toMatchObject([
    {
      name: "orders",
      up: false,
      requests: 12,
      statuses: [0, 10, 0, 0, 2],
      inFlight: 6,
      retries: 4,
      averageMs: 2505,
      endpoints: [{ endpoint, state: "ready", health: "unhealthy", requests: 10, averageMs: 2, inFlight: 6 }],
    },
  ]);
  // Rates need two reports.
  expect(body.backends[0].requestsPerSecond).toBe(0);
});

/** RFC 4180, one line. */
function csvFields(line: string): string[] {
  return Array.from(line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*)),/g), ([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll('""', '"'),
  );
}

test("the CSV has a row for each listener, endpoint and backend, with HAProxy's columns and words", async () => {
  const response = await get("/stats;csv");
  expect(response.headers.get("content-type")).toContain("text/plain");
  const [heading, ...lines] = (await response.text()).trimEnd().split("\n");
  expect(heading).toBe(`# ${haproxyColumns.join(",")},`);
  const rows = lines.map((line) => {
    const fields = csvFields(line);
    expect(fields).toHaveLength(haproxyColumns.length);
    return Object.fromEntries(haproxyColumns.map((column, index) => [column, fields[index]]));
  });
  expect(rows).toMatchObject([
    {
      pxname: "web",
      svname: "FRONTEND",
      status: "OPEN",
      type: "0",
      stot: "12",
      hrsp_2xx: "12",
      req_tot: "12",
    },
    { pxname: "orders", svname: endpoint, status: "DOWN", type: "2", weight: "1", scur: "6", rtime: "2" },
    { pxname: "orders", svname: "BACKEND", status: "DOWN", type: "1", act: "0", wretr: "4", hrsp_5xx: "2" },
  ]);
  expect(rows[1]!["last_chk"]).toBe(hostile.replace("\n", " "));
  await admin("POST", "/v1/endpoints", { backend: "orders", endpoint, state: "maintenance" });
  expect(await (await get("/stats;csv")).text()).toContain(",MAINT,");
});

test("the page shows what there is, escapes what endpoints say, and loads nothing", async () => {
  const response = await get("/stats");
  const page = await response.text();
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(page).toContain('<meta http-equiv="refresh"');
  expect(page).toContain("203.0.113.7:8080");
  expect(page).toContain("&lt;script&gt;");
  expect(page).not.toContain("<script");
  expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
  expect(page).toContain('<html lang="en">');
  expect(await (await get("/stats;norefresh")).text()).not.toContain("http-equiv");
});

test("a reader's token is the password of basic authentication, for observation only", async () => {
  const { token } = (await admin("POST", "/v1/tokens", { name: "exporter", role: "reader" })).body;
  const basic = `Basic ${btoa(`anyone:${token}`)}`;
  for (const path of ["/metrics", "/stats", "/stats;csv"]) expect((await get(path, basic)).status).toBe(200);
  expect((await get("/v1/stats", basic)).status).toBe(401);
  for (const wrong of ["", "Basic !", `Basic ${btoa("a:b")}`, `Basic ${btoa("b")}`]) {
    const refused = await get("/stats", wrong);
    expect(refused.status).toBe(401);
    expect(refused.headers.get("www-authenticate")).toBe('Basic realm="isthmus"');
  }
  expect((await get("/stats;json")).status).toBe(404);
});
