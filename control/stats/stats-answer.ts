// The statistics as a response: the page, or HAProxy's CSV. HAProxy's options follow a semicolon: `/stats;csv`.
import type { Stats } from "#contract/stats.ts";
import { Refusal } from "../refusal.ts";
import { haproxyCsv } from "./haproxy-csv.ts";
import { statsPage } from "./stats-page.ts";

export interface StatsRequest {
  /** Where the page is, for its links. */
  readonly path: string;
  readonly options: readonly string[];
  /** Seconds between renewals; 0: none. */
  readonly refreshS: number;
}

/** Throws {@link Refusal} `not_found` for an option that does not exist. */
export async function statsAnswer(
  stats: Stats,
  { path, options, refreshS }: StatsRequest,
): Promise<Response> {
  const unknown = options.find((option) => option !== "csv" && option !== "norefresh" && option !== "");
  if (unknown !== undefined) {
    throw new Refusal("not_found", `The statistics know no option ${unknown.slice(0, 64)}.`, {
      remedy: `${path}, ${path};norefresh or ${path};csv`,
    });
  }
  const headers = { "cache-control": "no-store" };
  if (options.includes("csv")) {
    return new Response(haproxyCsv(stats), {
      headers: { ...headers, "content-type": "text/plain; charset=utf-8" },
    });
  }
  const page = await statsPage(stats, { path, refreshS, isPaused: options.includes("norefresh") });
  return new Response(page.toString(), {
    headers: {
      ...headers,
      "content-type": "text/html; charset=UTF-8",
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
    },
  });
}
