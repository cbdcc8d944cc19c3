// What tools and people look at: Prometheus metrics, the statistics page, its CSV, and the same as JSON.
import type { Context } from "hono";
import { statsSchema } from "#contract/stats.ts";
import { type Env, configStore } from "../env.ts";
import { Refusal } from "../refusal.ts";
import { currentSnapshot } from "../stats/current-snapshot.ts";
import { haproxyCsv } from "../stats/haproxy-csv.ts";
import { metricFamilies } from "../stats/metrics.ts";
import { prometheusContentType, prometheusText } from "../stats/prometheus-text.ts";
import { statsPage } from "../stats/stats-page.ts";
import { type Observed, systemStats } from "../stats/system-stats.ts";
import { requireRole } from "../token/authenticate.ts";
import { type AdminApp, type AdminEnv, adminRoute } from "./admin-route.ts";

const statsRoute = adminRoute({
  method: "get",
  path: "/v1/stats",
  role: "reader",
  summary: "Requests, rates, latencies and states of listeners, backends and endpoints",
  request: {},
  answer: statsSchema,
  description: "Statistics, added up over the regions",
});

export function addObservationRoutes(app: AdminApp): void {
  app.openapi(statsRoute, async (c) => c.json(systemStats(await observe(c.env), Date.now()), 200));
  app.get("/metrics", async (c) => {
    requireRole(c.get("caller"), "reader");
    const text = prometheusText(metricFamilies(await observe(c.env)));
    return c.body(text, 200, { "content-type": prometheusContentType, "cache-control": "no-store" });
  });
  // HAProxy's options follow a semicolon: `/stats;csv`, `/stats;norefresh`.
  app.get("/:page{stats(;.*)?}", (c) => answerStats(c));
}

async function answerStats(c: Context<AdminEnv>): Promise<Response> {
  requireRole(c.get("caller"), "reader");
  const options = c.req.path.split(";").slice(1);
  const unknown = options.find((option) => option !== "csv" && option !== "norefresh" && option !== "");
  if (unknown !== undefined) {
    throw new Refusal("not_found", `The statistics know no option ${unknown.slice(0, 64)}.`, {
      remedy: "/stats, /stats;norefresh or /stats;csv",
    });
  }
  const stats = systemStats(await observe(c.env), Date.now());
  c.header("cache-control", "no-store");
  if (options.includes("csv")) {
    return c.body(haproxyCsv(stats), 200, { "content-type": "text/plain; charset=utf-8" });
  }
  c.header(
    "content-security-policy",
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  );
  c.header("x-content-type-options", "nosniff");
  c.header("referrer-policy", "no-referrer");
  return c.html(statsPage(stats, !options.includes("norefresh")));
}

async function observe(env: Env): Promise<Observed> {
  const store = configStore(env);
  const [{ version, snapshot }, observed] = await Promise.all([currentSnapshot(store), store.observe()]);
  return { version, snapshot, ...observed };
}
