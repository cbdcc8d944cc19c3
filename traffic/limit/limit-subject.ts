// What a limit looks at in a request: whether it counts the request at all, and under which key.
import type { LimitConditions, LimitKeyPart } from "#contract/rate-limit.ts";
import { compileConditions, type Condition } from "../match/condition.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import { RequestFacts } from "../match/request-facts.ts";
import type { RequestHead } from "../match/request-head.ts";
import { clientKey, composeKey } from "./limit-key.ts";

export interface LimitSubject extends RequestHead {
  /** As `ForwardingChain.clientAddress` has it. */
  readonly clientAddress: string;
  /** A claim of the request's verified token, as text; `null`: there is none. */
  claim(name: string): string | null;
}

/** The key that a request is counted under; `undefined`: the limit does not count it. */
export type KeyOf = (subject: LimitSubject) => string | undefined;

/**
 * A request that lacks a part of the key is not counted, as in Envoy, HAProxy and nginx: nobody shares a bucket by what they
 * all leave out. Throws for a condition that cannot be compiled.
 */
export function compileKeyOf(
  limit: { readonly key: readonly LimitKeyPart[]; readonly conditions: LimitConditions },
  route: string,
): KeyOf {
  const holds = compileLimitConditions(limit.conditions);
  const parts = limit.key.map((part) => compilePart(part, route));
  const keyOf = composeParts(parts);
  return holds ? (subject) => (holds(subject) ? keyOf(subject) : undefined) : keyOf;
}

type Part = (subject: LimitSubject) => string | null;

function composeParts(parts: readonly Part[]): KeyOf {
  const [only] = parts;
  if (!only) return () => "";
  return (subject) => {
    const values: string[] = [];
    for (const part of parts) {
      const value = part(subject);
      if (value === null) return undefined;
      values.push(value);
    }
    return composeKey(values);
  };
}

function compilePart(part: LimitKeyPart, route: string): Part {
  switch (part.type) {
    case "ClientIP":
      return ({ clientAddress }) => clientKey(clientAddress, part.ipv6PrefixLength);
    case "Header": {
      const name = part.name.toLowerCase();
      return (subject) => subject.header(name);
    }
    case "Cookie":
      return (subject) => new RequestFacts(subject).cookie(part.name);
    case "Claim":
      return (subject) => subject.claim(part.name);
    case "Route":
      return () => route;
  }
}

function compileLimitConditions(
  conditions: LimitConditions,
): ((subject: LimitSubject) => boolean) | undefined {
  const { headers = [], cookies = [], clientCIDRs, claims = [], and, not } = conditions;
  const compiled: Condition[] = compileConditions(
    {
      path: { type: "PathPrefix", value: "/" },
      headers,
      queryParams: [],
      cookies,
      ...(clientCIDRs && { clientCIDRs }),
      ...(and && { and }),
      ...(not && { not }),
    },
    compilePattern,
  );
  if (compiled.length + claims.length === 0) return undefined;
  return (subject) => {
    if (!claims.every(({ name, value }) => subject.claim(name) === value)) return false;
    const facts = new RequestFacts(subject);
    return compiled.every((condition) => condition(facts));
  };
}
