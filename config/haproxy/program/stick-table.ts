// `stick-table … store <counters>` (§4.2): what a table counts, and over which time.
import { readDurationMs } from "../duration.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { invalid } from "../statement-problem.ts";

/** Whether the section's table keeps a counter such as `conn_cur`. */
export function storesCounter(proxy: Proxy, counter: string): boolean {
  return storedCounter(proxy, counter) !== undefined;
}

/** Of `http_req_rate(10s)`. Throws `StatementProblem`. */
export function storedPeriodMs(proxy: Proxy, counter: string): number {
  const period = storedCounter(proxy, counter);
  if (period === undefined) return invalid(`the table of ${JSON.stringify(proxy.name)} stores no ${counter}`);
  const ms = readDurationMs({ text: period, column: 1 });
  return ms > 0 ? ms : invalid(`the period of ${counter} is zero`);
}

/** Its argument; empty: it has none. `undefined`: it is not stored. */
function storedCounter(proxy: Proxy, counter: string): string | undefined {
  const statement = statementsOf(proxy, "stick-table").at(-1);
  const text = statement?.words.map((word) => word.text).join(" ") ?? "";
  const found = new RegExp(`(?:^|[ ,])${counter}(?:\\(([^)]*)\\))?(?=[ ,]|$)`).exec(text);
  return found ? (found[1] ?? "") : undefined;
}
