// Who begins with the PROXY protocol: whoever comes to a `bind … accept-proxy`, or whom `tcp-request connection
// expect-proxy layer4` names (§4.2, §5.1).
import { networksOf } from "../condition/client-networks.ts";
import { testsOf, type Condition } from "../condition/condition.ts";
import { conditionStart, parseCondition, type Scope } from "../condition/parse-condition.ts";
import type { Notes } from "../notes.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

/** Clients of every bind of the section. `undefined`: only where a bind says so. */
export interface ProxySenders {
  /** Absent: all of them. */
  readonly trustedCIDRs?: readonly string[];
}

export function readProxySenders(proxy: Proxy, scope: Scope, notes: Notes): ProxySenders | undefined {
  let senders: ProxySenders | undefined;
  for (const statement of statementsOf(proxy, "tcp-request").filter(isExpectation)) {
    attempt(statement, notes, () => {
      if (wordAt(statement, 3) !== "layer4") invalid("expected `expect-proxy layer4`");
      const { words } = statement;
      const condition = parseCondition(words, conditionStart(words, 4), scope);
      if (!condition || (senders && !senders.trustedCIDRs)) return;
      if (condition.kind === "constant") {
        if (condition.value) senders = {};
        return;
      }
      const networks = condition.kind === "test" ? networksOf(condition) : undefined;
      if (!networks) {
        return unsupported("proxies are told by the networks that they are in", "Write `if { src … }`.");
      }
      senders = { trustedCIDRs: [...(senders?.trustedCIDRs ?? []), ...networks] };
    });
  }
  return senders;
}

export function isExpectation(statement: Statement): boolean {
  return wordAt(statement, 1) === "connection" && wordAt(statement, 2) === "expect-proxy";
}

/** Whether a connection may be someone else's than the one it comes from. */
export function isProxied(proxy: Proxy): boolean {
  const accepts = statementsOf(proxy, "bind").some(({ words }) =>
    words.some(({ text }, index) => index > 1 && text === "accept-proxy"),
  );
  return accepts || statementsOf(proxy, "tcp-request").some(isExpectation);
}

/** Rules of this layer see who connects, before the header is read; here the client is whom it names. Throws `StatementProblem`. */
export function refusePeerTests(condition: Condition): void {
  if (!testsOf(condition).some(({ subject }) => subject.type === "client")) return;
  unsupported(
    "at this point src is the address of the proxy in front, which is not told apart here",
    "Write `tcp-request session` for the client's address, and `tcp-request connection expect-proxy layer4 if { src … }` for that of the proxy.",
  );
}
