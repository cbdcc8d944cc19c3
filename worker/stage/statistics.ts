// Rule stage: the control's page of statistics answers instead of a backend. The path up to a semicolon is wherever the
// rule has put the page; what follows are HAProxy's options (`;csv`).
import { GatewayError } from "#contract/error.ts";
import type { StatisticsPlan } from "#traffic/filter/compile.ts";
import type { RuleScope, Stage } from "./stage.ts";

/** Asks the control: base path, options, seconds between renewals. Rejects when it cannot be reached. */
export type FetchStatistics = (
  path: string,
  options: string,
  refreshS: number,
  format: StatisticsPlan["format"],
) => Promise<Response>;

export const statistics: Stage<RuleScope> = ({ filters, fetchStatistics }, next) => {
  const plan = filters.statistics;
  if (!plan) return next;
  return async ({ path, method }) => {
    const [base = "/", ...options] = path.split(";");
    try {
      const response = await fetchStatistics(base, options.join(";"), plan.refreshS, plan.format);
      return method === "HEAD" ? new Response(null, response) : response;
    } catch (error) {
      throw new GatewayError("statistics_unavailable", undefined, { cause: error });
    }
  };
};

/** The service of the control that only gateways reach. */
export function statisticsOf(control: Fetcher): FetchStatistics {
  return (path, options, refreshS, format) => {
    const query = new URLSearchParams({ path, options, refresh: String(refreshS), format });
    return control.fetch(`https://control/stats?${query}`);
  };
}
