// `use_backend sorry if { nbsrv(app) lt 1 }` in front of `use_backend app`: one rule with a fallback, which is what it means.
// Elsewhere rules ask how many endpoints are up.
import { countOfServers } from "../condition/condition.ts";
import { testKey, type Conjunction, type Literal } from "../condition/normal-form.ts";
import type { OrderedRule } from "./run-program.ts";

/** Where a rule's requests go while no server of its backend is up. */
export interface Fallback {
  /** Absent: the filters answer. */
  readonly backend?: string;
  readonly filters: OrderedRule["filters"];
}

/** The same rules without tests of whether a server is up. */
export function withFallbacks(rules: readonly OrderedRule[]): OrderedRule[] {
  const result: OrderedRule[] = [];
  for (const [index, rule] of rules.entries()) {
    const last = result.at(-1);
    // The other half of the rule before.
    if (last?.fallback && takes(last, rule.alternatives)) continue;
    const split = splitUp(rule);
    result.push(split ? (joined(rule, split, rules[index + 1]) ?? counting(rule)) : rule);
  }
  return result;
}

interface Split {
  /** Absent: several are looked at, or one by a part of the condition. */
  readonly backend?: string;
  /** Whether the rule is for the time when a server is up. */
  readonly isUp: boolean;
  readonly alternatives: readonly Conjunction[];
}

const isAlive = ({ test }: Literal): boolean => test.subject.type === "servers";

function splitUp({ alternatives }: OrderedRule): Split | undefined {
  const tests = alternatives.map((alternative) => alternative.filter(isAlive));
  const [literal] = tests.flat();
  if (!literal || literal.test.subject.type !== "servers") return undefined;
  const { name } = literal.test.subject;
  const isSame = tests.every(
    (own) =>
      own.length === 1 && testKey(own[0]!.test) === testKey(literal.test) && own[0]!.holds === literal.holds,
  );
  const rest = alternatives.map((alternative) => alternative.filter((one) => !isAlive(one)));
  return { ...(isSame && { backend: name }), isUp: literal.holds, alternatives: rest };
}

/** With counts in place of its tests of servers. */
function counting(rule: OrderedRule): OrderedRule {
  const counted = (literal: Literal): Literal => {
    const { subject } = literal.test;
    if (subject.type !== "servers") return literal;
    const test = {
      ...literal.test,
      subject: countOfServers(subject),
      operator: "range",
      values: ["1:"],
    } as const;
    return { ...literal, test };
  };
  return { ...rule, alternatives: rule.alternatives.map((alternative) => alternative.map(counted)) };
}

/** `undefined`: what it asks for is more than a fallback says. */
function joined(rule: OrderedRule, split: Split, next: OrderedRule | undefined): OrderedRule | undefined {
  const { backend, isUp, alternatives } = split;
  if (backend === undefined) return undefined;
  const [up, down] = isUp ? [rule, next] : [next, rule];
  const isPair =
    up !== undefined &&
    down !== undefined &&
    // The backend with what stands in for it, or two answers (`monitor fail`).
    (up.backend === backend ? down.backend !== backend : (up.backend ?? down.backend) === undefined) &&
    (next === undefined || (takes(next, alternatives) && !splitUp(next))) &&
    JSON.stringify([up.rateLimits, up.counting, up.basicAuth, up.bodyBytes]) ===
      JSON.stringify([down.rateLimits, down.counting, down.basicAuth, down.bodyBytes]);
  if (!isPair) return undefined;
  const fallback: Fallback = {
    filters: down.filters,
    ...(down.backend !== undefined && { backend: down.backend }),
  };
  return { ...up, backend, statement: rule.statement, alternatives, fallback };
}

/** Whether all of the requests come to the rule. */
function takes({ alternatives }: OrderedRule, requests: readonly Conjunction[]): boolean {
  return requests.every((request) =>
    alternatives.some((alternative) =>
      alternative.every((literal) =>
        request.some((one) => one.holds === literal.holds && testKey(one.test) === testKey(literal.test)),
      ),
    ),
  );
}
