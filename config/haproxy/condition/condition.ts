// Conditions as a tree over tests of a request: what ACLs mean, independent of how they were written.
import type { ConnectionSubject } from "./connection-criterion.ts";
import type { RequestText } from "#contract/request-text.ts";
import type { CounterRead } from "./counter-read.ts";
import type { Sample } from "./sample.ts";

/** What of a request a test looks at. */
export type Subject =
  | { readonly type: "path" }
  /** Host header and path together; resolved into tests of both. */
  | { readonly type: "base" }
  | { readonly type: "method" }
  /** The Host header; `port`: with the port that clients may send in it. */
  | { readonly type: "host"; readonly port: boolean }
  /** `elements`: each comma-separated part counts for itself (`hdr`), or else the whole field (`fhdr`). */
  | { readonly type: "header"; readonly name: string; readonly elements: boolean }
  | { readonly type: "query-param"; readonly name: string }
  | { readonly type: "cookie"; readonly name: string }
  | TextSubject
  | ExpressionSubject
  | ConnectionSubject
  /** The client's address; values are networks. */
  | { readonly type: "client" }
  /** Known of each listener: whether TLS ends there (`on`), and its port. */
  | { readonly type: "tls" }
  | { readonly type: "port" }
  /** What an earlier `set-var` put there. */
  | { readonly type: "variable"; readonly name: string }
  /** Requests of one kind in a stick table's period; the value is what they may not exceed. */
  | {
      readonly type: "rate";
      readonly counts: "http_req_rate" | "http_err_rate";
      readonly counter: string;
      readonly table?: string;
    }
  /** A number in a stick table; values are ranges. */
  | ({ readonly type: "counter" } & CounterRead)
  /** Connections of a client, as a stick table counts them; the value is what they may not exceed. */
  | {
      readonly type: "connections";
      readonly counts: "conn_cur" | "conn_rate" | "sess_rate";
      readonly counter: string;
      readonly table?: string;
    }
  /** Bytes of the request's body; the value is what they may not exceed. */
  | { readonly type: "body-size" }
  /** Of the response; values are ranges (`500:599`). */
  | { readonly type: "status" }
  /** Like `header`, of the response. */
  | { readonly type: "response-header"; readonly name: string; readonly elements: boolean }
  /** Whether a server of a backend is up (`on`). */
  | ServersSubject
  /** A name and password of a userlist; of its users in one of these groups, where groups are named. */
  | { readonly type: "credentials"; readonly list: string; readonly groups?: readonly string[] };

/** Whether a server of a backend is up (`on`). */
export interface ServersSubject {
  readonly type: "servers";
  readonly name: string;
}

/** How many are. */
export function countOfServers({ name }: ServersSubject): TextSubject {
  return { type: "text", parts: [{ from: "EndpointsUp", name }] };
}

/** What is put together from the request, for which there is no condition of its own. */
export interface TextSubject {
  readonly type: "text";
  readonly parts: RequestText;
  /** Whether it is there where the request lacks a part, with nothing in that part's place. */
  readonly missingIsEmpty?: true;
  /** What it has to be equal to, in place of values. */
  readonly valueFrom?: RequestText;
}

/** A sample expression with variables in it: resolved where the rule stands. Values are patterns as they are written. */
export interface ExpressionSubject {
  readonly type: "expression";
  readonly sample: Sample;
  /** Of `-m`. */
  readonly method: string | undefined;
  /** Of a suffix such as `_beg`. */
  readonly operator: Operator | undefined;
}

/** HAProxy's match methods. `segment` is its `dir`, `label` its `dom`. */
export type Operator =
  | "exact"
  | "prefix"
  | "suffix"
  | "contains"
  | "segment"
  | "label"
  | "regex"
  | "present"
  | "network"
  /** Of numbers; values are `min:max`, either of which may be missing. */
  | "range";

/** Of what follows the name of a fetch (`path_beg`), and of `-m`. */
export const operatorOfSuffix: Readonly<Record<string, Operator>> = {
  beg: "prefix",
  end: "suffix",
  sub: "contains",
  dir: "segment",
  dom: "label",
  reg: "regex",
};

export interface Test {
  readonly subject: Subject;
  readonly operator: Operator;
  /** Alternatives; empty for `present`. */
  readonly values: readonly string[];
  readonly ignoreCase: boolean;
}

export type Condition =
  | { readonly kind: "constant"; readonly value: boolean }
  | { readonly kind: "test"; readonly test: Test }
  | { readonly kind: "not"; readonly operand: Condition }
  | { readonly kind: "and" | "or"; readonly operands: readonly Condition[] };

export const always: Condition = { kind: "constant", value: true };
export const never: Condition = { kind: "constant", value: false };

export function not(operand: Condition): Condition {
  if (operand.kind === "constant") return operand.value ? never : always;
  return operand.kind === "not" ? operand.operand : { kind: "not", operand };
}

export function and(operands: readonly Condition[]): Condition {
  return join("and", operands, never, always);
}

/** Tests of one kind on one subject are joined: alternatives of their values. */
export function or(operands: readonly Condition[]): Condition {
  const joined = join("or", operands, always, never);
  return joined.kind === "or" ? join("or", mergeTests(joined.operands), always, never) : joined;
}

function mergeTests(operands: readonly Condition[]): Condition[] {
  const values = new Map<string, { test: Test; values: Set<string> }>();
  for (const operand of operands) {
    if (operand.kind !== "test") continue;
    const key = mergeKey(operand.test);
    const group = values.get(key);
    if (!group) values.set(key, { test: operand.test, values: new Set(operand.test.values) });
    else for (const value of operand.test.values) group.values.add(value);
  }
  if (values.size === operands.length) return [...operands];
  const merged: Condition[] = [];
  for (const operand of operands) {
    const key = operand.kind === "test" ? mergeKey(operand.test) : "";
    const group = values.get(key);
    if (!group) {
      if (operand.kind !== "test") merged.push(operand);
      continue;
    }
    merged.push({ kind: "test", test: { ...group.test, values: [...group.values] } });
    values.delete(key);
  }
  return merged;
}

function mergeKey({ subject, operator, ignoreCase }: Test): string {
  return JSON.stringify([subject, operator, ignoreCase]);
}

/** Constants and nesting of the same kind are resolved. `dominant` decides alone; `neutral` says nothing. */
function join(
  kind: "and" | "or",
  operands: readonly Condition[],
  dominant: Condition,
  neutral: Condition,
): Condition {
  const kept: Condition[] = [];
  for (const operand of operands) {
    if (operand === dominant) return dominant;
    if (operand === neutral) continue;
    if (operand.kind === kind) kept.push(...operand.operands);
    else kept.push(operand);
  }
  if (kept.length === 0) return neutral;
  return kept.length === 1 ? kept[0]! : { kind, operands: kept };
}

/** Puts another condition, or a constant, in the place of every test. */
export function mapTests(condition: Condition, replace: (test: Test) => Condition): Condition {
  switch (condition.kind) {
    case "constant":
      return condition;
    case "test":
      return replace(condition.test);
    case "not":
      return not(mapTests(condition.operand, replace));
    case "and":
      return and(condition.operands.map((operand) => mapTests(operand, replace)));
    case "or":
      return or(condition.operands.map((operand) => mapTests(operand, replace)));
  }
}

/** Every test of a condition, in order. */
export function testsOf(condition: Condition): Test[] {
  switch (condition.kind) {
    case "constant":
      return [];
    case "test":
      return [condition.test];
    case "not":
      return testsOf(condition.operand);
    case "and":
    case "or":
      return condition.operands.flatMap(testsOf);
  }
}
