// `stats enable`, `stats uri` and their like: where the statistics are shown. The page is the control's.
import { and, type Condition, type Operator, type Subject } from "../condition/condition.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { Effect, Filter, Step } from "./program.ts";
import { userLine } from "./user-list.ts";

/** HAProxy's default for `stats uri`. */
const defaultUri = "/haproxy?stats";

export function statisticsSteps(proxy: Proxy, notes: Notes): Step[] {
  const statement = settingOf(proxy, "stats", "uri") ?? settingOf(proxy, "stats", "enable");
  if (!statement || statementsOf(proxy, "stats").length === 0) return [];
  const uri = wordAt(statement, 1) === "uri" ? wordAt(statement, 2) : defaultUri;
  const filter: Filter = {
    type: "Statistics",
    statistics: refreshOf(settingOf(proxy, "stats", "refresh"), notes),
  };
  const condition = uriCondition(uri);
  return [
    ...passwordSteps(proxy, condition, notes),
    { statement, condition, effect: { kind: "answer", filters: () => [filter] } },
  ];
}

/** `http-request use-service prometheus-exporter`. */
export function metricsEffect(statement: Statement, notes: Notes): Effect {
  if (wordAt(statement, 2) !== "prometheus-exporter") {
    return unsupported("there are no services of Lua or other code", "Leave them to a backend of their own.");
  }
  const message =
    "the metrics are the system's own, by other names than HAProxy's (isthmus_requests_total, …)";
  notes.add(statement, { code: "statement-approximated", message });
  const filter: Filter = { type: "Statistics", statistics: { format: "Prometheus" } };
  return { kind: "answer", filters: () => [filter] };
}

/** `stats auth user:password`. */
function passwordSteps(proxy: Proxy, condition: Condition, notes: Notes): Step[] {
  const statements = statementsOf(proxy, "stats").filter((statement) => wordAt(statement, 1) === "auth");
  const [first] = statements;
  if (!first) return [];
  const realm = settingOf(proxy, "stats", "realm");
  const users = statements.flatMap((statement) => {
    const user = attempt(statement, notes, () => {
      const found = /^([^:]+):(.*)$/s.exec(wordAt(statement, 2));
      return found ? userLine(found[1]!, found[2]!) : invalid("expected `stats auth <user>:<password>`");
    });
    return user === undefined ? [] : [user];
  });
  const basicAuth = { users, ...(realm && { realm: wordAt(realm, 2) }) };
  const effect: Effect = { kind: "change", change: ({ draft }) => ({ ...draft, basicAuth }) };
  return [{ statement: first, condition, effect }];
}

/** `stats refresh 10s`: seconds, if there is no unit. */
function refreshOf(statement: Statement | undefined, notes: Notes): { refresh?: string } {
  if (!statement) return {};
  const text = wordAt(statement, 2).replace(/^[0-9]+$/, "$&s");
  const ms = attempt(statement, notes, () => readDurationMs({ text, column: 1 })) ?? 0;
  return ms > 0 ? { refresh: formatDuration(ms) } : {};
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
