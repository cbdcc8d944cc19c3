// Rules of `tcp-request connection` and `session`, which know nothing but addresses (§4.2): networks that a route of
// connections admits, or where that does not say it, rules in front of those about bytes.
import type { NativeConfigInput } from "../../native/schema.ts";
import { networksOf } from "../condition/client-networks.ts";
import { and, never, not, or, testsOf, type Condition } from "../condition/condition.ts";
import type { Scope } from "../condition/parse-condition.ts";
import type { Notes } from "../notes.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { conditionOf } from "./connection-choices.ts";
import { isAboutConnections } from "./connection-limits.ts";
import { isAboutTls } from "./content-rules.ts";
import { isProxied, refusePeerTests } from "./proxied-binds.ts";

type TcpRoute = NonNullable<NativeConfigInput["tcpRoutes"]>[number];
type SecurityPolicy = NonNullable<TcpRoute["securityPolicy"]>;

export interface AddressRule {
  readonly statement: Statement;
  readonly layer: string;
  readonly isRejection: boolean;
  readonly condition: Condition;
}

export interface LayersInQuestion {
  /** Those of `content`, too, which then look at nothing else. */
  readonly withContent: boolean;
  /** The listener closes what is no TLS by itself. */
  readonly bySni: boolean;
}

export function readAddressRules(
  front: Proxy,
  scope: Scope,
  { withContent, bySni }: LayersInQuestion,
  notes: Notes,
): AddressRule[] {
  const statements = statementsOf(front, "tcp-request");
  const lastRefusal = statements.findLastIndex((rule) => isRefusal(rule));
  return statements.slice(0, lastRefusal + 1).flatMap((statement): AddressRule[] => {
    const [layer, action] = [wordAt(statement, 1), wordAt(statement, 2)];
    if (layer === "inspect-delay" || (layer === "content" && !withContent)) return [];
    if (/^(?:track-sc|sc-|(?:un)?set-var|expect-proxy)/.test(action)) return [];
    const read = (): AddressRule[] => {
      const condition = conditionOf(statement, scope);
      if (!condition || isAboutConnections(condition)) return [];
      if (layer === "content" && bySni && testsOf(condition).every(isAboutTls)) return [];
      if (layer === "connection" && isProxied(front)) refusePeerTests(condition);
      if (action !== "accept" && !isRefusal(statement))
        unsupported("connections can only be accepted or rejected by rules");
      return [{ statement, layer, isRejection: action !== "accept", condition }];
    };
    return attempt(statement, notes, read) ?? [];
  });
}

function isRefusal(statement: Statement): boolean {
  return /^(?:reject|silent-drop)$/.test(wordAt(statement, 2));
}

/** `reject if { src … }` denies, with `!{ src … }` it allows nobody else. `undefined`: lists do not say what rules do. */
export function networksOfRules(rules: readonly AddressRule[]): SecurityPolicy | "all" | undefined {
  const refusals = rules.filter(({ isRejection }) => isRejection);
  // What a layer accepts is of no account where nothing behind it is rejected.
  if (rules.slice(0, rules.findLastIndex(({ isRejection }) => isRejection) + 1).length > refusals.length)
    return undefined;
  const deny: string[] = [];
  const allow: (readonly string[])[] = [];
  for (const { condition } of refusals) {
    const networks = networksOf(condition);
    if (!networks) return undefined;
    if (condition.kind === "test") deny.push(...networks);
    else allow.push(networks);
  }
  if (allow.length > 1) return undefined;
  if (refusals.length === 0) return "all";
  return {
    clientCIDRs: { ...(allow[0] && { allow: [...allow[0]] }), ...(deny.length > 0 && { deny }) },
  };
}

/** Whom a backend admits that a route leads to. */
export function networksOfBackend(backend: Proxy, scope: Scope, notes: Notes): SecurityPolicy | undefined {
  const rules = readAddressRules(backend, scope, { withContent: true, bySni: false }, notes);
  const admitted = networksOfRules(rules);
  if (admitted) return admitted === "all" ? undefined : admitted;
  notes.add(rules.find(({ isRejection }) => isRejection)!.statement, {
    code: "statement-unsupported",
    message: "connections are refused by what they begin with before they have a backend",
    remedy: "Move the rule into the frontends.",
  });
  return undefined;
}

/** Who is admitted by both. Throws `StatementProblem`. */
export function bothPolicies(
  one: SecurityPolicy | undefined,
  other: SecurityPolicy | undefined,
): SecurityPolicy | undefined {
  if (!one || !other) return one ?? other;
  const [{ allow, deny = [] }, others] = [one.clientCIDRs ?? {}, other.clientCIDRs ?? {}];
  if (allow && others.allow) {
    return unsupported(
      "the frontend and its backend let some addresses in each",
      "Join them in the frontend.",
    );
  }
  const allowed = allow ?? others.allow;
  const denied = [...deny, ...(others.deny ?? [])];
  return { clientCIDRs: { ...(allowed && { allow: allowed }), ...(denied.length > 0 && { deny: denied }) } };
}

/** Who is rejected by one layer or another: what a layer accepts goes on to the next one. */
export function rejectionOf(rules: readonly AddressRule[]): Condition {
  const layers = Map.groupBy(rules, ({ layer }) => layer);
  return or([...layers.values()].map(rejectionOfLayer));
}

function rejectionOfLayer(rules: readonly AddressRule[]): Condition {
  return rules.reduceRight<Condition>(
    (rest, { isRejection, condition }) => (isRejection ? or([condition, rest]) : and([not(condition), rest])),
    never,
  );
}
