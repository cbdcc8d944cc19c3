// What tools and people look at: Prometheus metrics, the statistics page, its CSV, and the same as JSON.
import type { Context } from "hono";
import { statsSchema } from "#contract/stats.ts";
import { observe } from "../stats/observe.ts";
import { metricsAnswer } from "../stats/metrics-answer.ts";
import { statsAnswer } from "../stats/stats-answer.ts";
import { systemStats } from "../stats/system-stats.ts";
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

/** Time between two renewals of the page. */
const refreshS = 5;

export function addObservationRoutes(app: AdminApp): void {
  app.openapi(statsRoute, async (c) => c.json(systemStats(await observe(c.env), Date.now()), 200));
  app.get("/metrics", async (c) => {
    requireRole(c.get("caller"), "reader");
    return metricsAnswer(await observe(c.env));
  });
  // HAProxy's options follow a semicolon: `/stats;csv`, `/stats;norefresh`.
  app.get("/:page{stats(;.*)?}", (c) => answerStats(c));
}

async function answerStats(c: Context<AdminEnv>): Promise<Response> {
  requireRole(c.get("caller"), "reader");
  const [path = "/stats", ...options] = c.req.path.split(";");
  return statsAnswer(systemStats(await observe(c.env), Date.now()), { path, options, refreshS });
}
