// What becomes of a connection by the bytes that it begins with. A condition holds, fails, or is open as long as more
// bytes may decide it; what is open is waited for (HAProxy `tcp-request content`, whose order of rules this is).
import type {
  ConnectionCondition,
  ConnectionMatch,
  InspectionRule,
} from "#contract/connection-inspection.ts";
import { inNetworks, parseNetworks } from "../access/client-networks.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import type { ConnectionStart } from "./connection-start.ts";

export type Verdict = "accepted" | "rejected" | "open";

type Outcome = "holds" | "fails" | "open";
type Test = (start: ConnectionStart) => Outcome;

/** By rules in order, the first that holds; without one, `accepted`. */
export function compileInspection(rules: readonly InspectionRule[]): (start: ConnectionStart) => Verdict {
  const compiled = rules.map(({ action, matches }) => ({ action, test: compileMatches(matches) }));
  return (start) => {
    for (const { action, test } of compiled) {
      const outcome = test(start);
      if (outcome === "open") return "open";
      if (outcome === "holds") return action === "Accept" ? "accepted" : "rejected";
    }
    return "accepted";
  };
}

/** Whether one of the matches holds; without any, every connection does. */
export function compileMatches(matches: readonly ConnectionMatch[]): Test {
  if (matches.length === 0) return () => "holds";
  const alternatives = matches.map(({ conditions }) => conditions.map(compileCondition));
  return (start) => {
    let outcome: Outcome = "fails";
    for (const tests of alternatives) {
      const one = allOf(tests, start);
      if (one === "holds") return one;
      if (one === "open") outcome = one;
    }
    return outcome;
  };
}

function allOf(tests: readonly Test[], start: ConnectionStart): Outcome {
  let outcome: Outcome = "holds";
  for (const test of tests) {
    const one = test(start);
    if (one === "fails") return one;
    if (one === "open") outcome = one;
  }
  return outcome;
}

function compileCondition(condition: ConnectionCondition): Test {
  const compares = compileComparison(condition);
  const [found, missed] = condition.not ? (["fails", "holds"] as const) : (["holds", "fails"] as const);
  return (start) => {
    const { values, isOpen } = start.read(condition);
    if (values.some(compares)) return found;
    return isOpen ? "open" : missed;
  };
}

function compileComparison(condition: ConnectionCondition): (value: string) => boolean {
  const { type, values = [], ranges = [], cidrs = [], ignoreCase } = condition;
  const folded = (text: string): string => (ignoreCase ? text.toLowerCase() : text);
  const wanted = values.map(folded);
  switch (type) {
    case "Present":
      return () => true;
    case "Exact": {
      const set = new Set(wanted);
      return (value) => set.has(folded(value));
    }
    case "Prefix":
      return (value) => wanted.some((text) => folded(value).startsWith(text));
    case "Suffix":
      return (value) => wanted.some((text) => folded(value).endsWith(text));
    case "Contains":
      return (value) => wanted.some((text) => folded(value).includes(text));
    case "RegularExpression": {
      const patterns = values.map(compilePattern);
      return (value) => patterns.some((pattern) => pattern.test(value));
    }
    case "InRange":
      return (value) => {
        const number = Number(value);
        return ranges.some(({ min = -Infinity, max = Infinity }) => number >= min && number <= max);
      };
    case "InNetworks": {
      const networks = parseNetworks(cidrs);
      return (value) => {
        const address = parseIpAddress(value);
        return address !== undefined && inNetworks(networks, address);
      };
    }
  }
}
