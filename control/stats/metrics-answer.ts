// Metrics as Prometheus reads them: of the Admin API, and where a rule of the gateway has put them.
import { prometheusContentType, prometheusText } from "#contract/prometheus-text.ts";
import { metricFamilies } from "./metrics.ts";
import type { Observed } from "./system-stats.ts";

export function metricsAnswer(observed: Observed): Response {
  return new Response(prometheusText(metricFamilies(observed)), {
    headers: { "content-type": prometheusContentType, "cache-control": "no-store" },
  });
}
