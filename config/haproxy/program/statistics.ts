// `stats enable` and `stats uri`: where HAProxy shows its statistics. Here the control shows them.
import { and, type Condition, type Operator, type Subject } from "../condition/condition.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { wordAt } from "../statement.ts";
import type { Step } from "./program.ts";

/** HAProxy's default for `stats uri`. */
const defaultUri = "/haproxy?stats";

export function statisticsSteps(proxy: Proxy, notes: Notes): Step[] {
  const statement = settingOf(proxy, "stats", "uri") ?? settingOf(proxy, "stats", "enable");
  if (!statement || statementsOf(proxy, "stats").length === 0) return [];
  const uri = wordAt(statement, 1) === "uri" ? wordAt(statement, 2) : defaultUri;
  notes.add(statement, {
    code: "statement-approximated",
    message: "this address answers where the statistics are; the page itself is the control's",
    remedy: "See `isthmus status`, or /stats at the control.",
  });
  return [{ statement, condition: uriCondition(uri), effect: { kind: "answer", filters: () => [pointer] } }];
}

/** The URI is a prefix; options such as `;csv` follow it. */
function uriCondition(uri: string): Condition {
  const [path = "", query] = uri.split("?", 2);
  const test = (subject: Subject, operator: Operator, values: string[]): Condition => ({
    kind: "test",
    test: { subject, operator, values, ignoreCase: false },
  });
  if (query === undefined) return test({ type: "path" }, "prefix", [path]);
  const name = query.replace(/[=&;].*$/s, "");
  return and([test({ type: "path" }, "exact", [path]), test({ type: "query-param", name }, "present", [])]);
}

const pointer = {
  type: "DirectResponse" as const,
  directResponse: {
    statusCode: 503,
    body: { inline: "Statistics are shown by `isthmus status` and at /stats of the control.\n" },
  },
};
