// Stick tables that count requests, and the counters that rules track them with (§4.2 `stick-table`, `track-sc0`):
// together with a condition on the rate they are rate limits.
import type { StatusMatch } from "#contract/status-match.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import type { Subject } from "../condition/condition.ts";
import { and, type Condition } from "../condition/condition.ts";
import type { Scope } from "../condition/parse-condition.ts";
import { formatDuration } from "../../duration-text.ts";
import type { Names } from "../model/names.ts";
import type { Proxy } from "../proxy.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import { storedPeriodMs } from "./stick-table.ts";
import { isTracked, trackOf } from "./track.ts";

export type PolicyInput = NonNullable<NativeConfigInput["rateLimitPolicies"]>[number];
type Selector = NonNullable<NonNullable<PolicyInput["global"]>["rules"][number]["clientSelectors"]>[number];
type RateSubject = Extract<Subject, { type: "rate" }>;

export interface ImportedPolicy {
  readonly statement: Statement;
  readonly policy: PolicyInput;
}

/** Collects the rate limits of a file. */
export interface RateLimits {
  /** Whether a limit can count by what the counter counts by. */
  isPossible(subject: RateSubject, proxy: Proxy, scope: Scope): boolean;
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

export function createRateLimits(tables: ReadonlyMap<string, Proxy>, names: Names): RateLimits {
  const policies: ImportedPolicy[] = [];
  const known = new Map<string, string>();
  return {
    policies,
    isPossible: ({ counter }, proxy, scope) => selectorIn(keyOf(counter, proxy, scope)) !== undefined,
    limit: (statement, subject, max, proxy, scope) => {
      const { selector, table, tracked } = sourceOf(subject, proxy, scope);
      const owner =
        tables.get(table) ?? invalid(`no section with a stick-table is named ${JSON.stringify(table)}`);
      const window = formatDuration(storedPeriodMs(owner, subject.counts));
      const key = JSON.stringify([proxy.name, subject.counts, selector, table, window, max]);
      let name = known.get(key);
      if (name === undefined) {
        name = names.take(
          `${proxy.name}-${subject.counter
            .replace(/^=/, "table-")
            .replace(/[^\w.-]+/g, ".")
            .replace(/\.$/, "")}`,
        );
        known.set(key, name);
        policies.push({ statement, policy: policyOf(subject.counts, name, selector, window, max) });
      }
      return { name, tracked };
    },
  };
}

function policyOf(
  counts: RateSubject["counts"],
  name: string,
  selector: Selector,
  window: string,
  max: number,
): PolicyInput {
  const rule = {
    name: name.replace(/[^A-Za-z0-9._-]/g, ".").slice(0, 64),
    shared: true,
    clientSelectors: [selector],
    limit: { requests: max, window, algorithm: "SlidingWindow" as const },
  };
  if (counts === "http_req_rate") return { name, global: { rules: [rule] } };
  // The request itself is not among the errors yet: one more is let through.
  const limit = { ...rule.limit, requests: max + 1 };
  return { name, local: { rules: [{ ...rule, limit, countedStatusCodes: errors }] } };
}

const errors: StatusMatch[] = [{ type: "Range", range: { start: 400, end: 499 } }];

/** Key, table and requests of a counter: of `track-sc0 src`, or of `src_http_req_rate` the address itself. */
function sourceOf(
  { counter, table }: RateSubject,
  proxy: Proxy,
  scope: Scope,
): { selector: Selector; table: string; tracked: Condition } {
  if (counter.startsWith("=")) {
    return { selector: selectorOf(counter.slice(1)), table: table ?? proxy.name, tracked: and([]) };
  }
  const track = trackOf(proxy, counter, scope);
  return {
    selector: selectorOf(track?.key ?? "src"),
    table: table ?? track?.table ?? proxy.name,
    tracked: track?.tracked ?? and([]),
  };
}

function selectorOf(expression: string): Selector {
  return (
    selectorIn(expression) ??
    unsupported(
      `requests are not counted by ${JSON.stringify(expression)}`,
      "Track src, hdr(name) or cook(name).",
    )
  );
}

/** What a counter counts by; another section may track it. */
function keyOf(counter: string, proxy: Proxy, scope: Scope): string {
  if (counter.startsWith("=")) return counter.slice(1);
  if (counter !== "src" && !isTracked(proxy, counter)) return "";
  return trackOf(proxy, counter, scope)?.key ?? "src";
}

/** `undefined`: limits cannot count by it. */
function selectorIn(expression: string): Selector | undefined {
  if (expression === "src") return { sourceCIDR: { type: "Distinct" } };
  const found = /^(?:req\.)?(f?hdr|cook)\(([^,()]+)\)$/.exec(expression);
  if (!found) return undefined;
  const entry = { type: "Distinct" as const, name: found[2]! };
  return found[1] === "cook" ? { cookies: [entry] } : { headers: [entry] };
}
