// Stick tables that count requests, and the counters that rules track them with (§4.2 `stick-table`, `track-sc0`):
// together with a condition on the rate they are rate limits.
import type { NativeConfigInput } from "../../native/schema.ts";
import type { Subject } from "../condition/condition.ts";
import { and, type Condition } from "../condition/condition.ts";
import { conditionStart, parseCondition, type Scope } from "../condition/parse-condition.ts";
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Names } from "../model/names.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";

export type PolicyInput = NonNullable<NativeConfigInput["rateLimitPolicies"]>[number];
type Selector = NonNullable<NonNullable<PolicyInput["global"]>["rules"][number]["clientSelectors"]>[number];
type RateSubject = Extract<Subject, { type: "rate" }>;

export interface ImportedPolicy {
  readonly statement: Statement;
  readonly policy: PolicyInput;
}

/** Collects the rate limits of a file. */
export interface RateLimits {
  readonly policies: readonly ImportedPolicy[];
  /** A limit of `max` for what a counter counts; and which requests are counted. Throws `StatementProblem`. */
  limit(statement: Statement, subject: RateSubject, max: number, proxy: Proxy, scope: Scope): CountedLimit;
}

export interface CountedLimit {
  /** Name of the policy. */
  readonly name: string;
  /** Requests that are tracked. */
  readonly tracked: Condition;
}

export function createRateLimits(proxies: readonly Proxy[], names: Names): RateLimits {
  const tables = new Map(proxies.map((proxy) => [proxy.name, proxy]));
  const policies: ImportedPolicy[] = [];
  const known = new Map<string, string>();
  return {
    policies,
    limit: (statement, subject, max, proxy, scope) => {
      const { selector, table, tracked } = sourceOf(subject, proxy, scope);
      const owner =
        tables.get(table) ?? invalid(`no section with a stick-table is named ${JSON.stringify(table)}`);
      const window = formatDuration(periodMs(owner));
      const key = JSON.stringify([proxy.name, selector, table, window, max]);
      let name = known.get(key);
      if (name === undefined) {
        name = names.take(`${proxy.name}-${subject.counter}`);
        known.set(key, name);
        policies.push({ statement, policy: policyOf(name, selector, window, max) });
      }
      return { name, tracked };
    },
  };
}

function policyOf(name: string, selector: Selector, window: string, requests: number): PolicyInput {
  return {
    name,
    global: {
      rules: [
        {
          name: name.replace(/[^A-Za-z0-9._-]/g, ".").slice(0, 64),
          shared: true,
          clientSelectors: [selector],
          limit: { requests, window, algorithm: "SlidingWindow" },
        },
      ],
    },
  };
}

/** Key, table and requests of a counter: of `track-sc0 src`, or of `src_http_req_rate` the address itself. */
function sourceOf(
  { counter, table }: RateSubject,
  proxy: Proxy,
  scope: Scope,
): { selector: Selector; table: string; tracked: Condition } {
  const tracks = ["http-request", "tcp-request"]
    .flatMap((keyword) => statementsOf(proxy, keyword))
    .filter(isTrack);
  const statement = tracks.find(({ words }) => words.some(({ text }) => text === `track-${counter}`));
  if (!statement) {
    if (counter === "src") {
      return { selector: { sourceCIDR: { type: "Distinct" } }, table: table ?? proxy.name, tracked: and([]) };
    }
    return invalid(`nothing is tracked by ${counter}`, {
      remedy: `Add \`http-request track-${counter} src\`.`,
    });
  }
  const index = statement.words.findIndex(({ text }) => text.startsWith("track-"));
  const start = conditionStart(statement.words, index);
  const tracked = parseCondition(statement.words, start, scope) ?? and([]);
  const named = wordsFrom(statement, index + 2);
  const other = named[0] === "table" ? named[1] : undefined;
  return { selector: selectorOf(wordAt(statement, index + 1)), table: table ?? other ?? proxy.name, tracked };
}

function isTrack({ words }: Statement): boolean {
  return words.some(({ text }, index) => index <= 2 && text.startsWith("track-"));
}

function selectorOf(expression: string): Selector {
  if (expression === "src") return { sourceCIDR: { type: "Distinct" } };
  const found = /^(?:req\.)?(f?hdr|cook)\(([^,()]+)\)$/.exec(expression);
  if (!found) {
    return unsupported(
      `requests are not counted by ${JSON.stringify(expression)}`,
      "Track src, hdr(name) or cook(name).",
    );
  }
  const entry = { type: "Distinct" as const, name: found[2]! };
  return found[1] === "cook" ? { cookies: [entry] } : { headers: [entry] };
}

/** Of `store http_req_rate(10s)`. */
function periodMs(proxy: Proxy): number {
  const statement = statementsOf(proxy, "stick-table").at(-1);
  const text = statement?.words.map((word) => word.text).join(" ") ?? "";
  const period = /(?:^|[ ,])http_req_rate\(([^)]*)\)/.exec(text)?.[1];
  if (period === undefined)
    return invalid(`the table of ${JSON.stringify(proxy.name)} stores no http_req_rate`);
  const ms = readDurationMs({ text: period, column: 1 });
  return ms > 0 ? ms : invalid("the period of http_req_rate is zero");
}
