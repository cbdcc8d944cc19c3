// `tcp-request content` and `inspect-delay` (§4.2): how long the bytes that a connection begins with are waited for, and who
// is refused for them.
import type { z } from "zod";
import type { inspectionSchema } from "../../native/layer-4.ts";
import { formatDuration } from "../../duration-text.ts";
import { networksOf } from "../condition/client-networks.ts";
import { never, testsOf, type Condition, type Test } from "../condition/condition.ts";
import { readDurationMs } from "../duration.ts";
import type { Scope } from "../condition/parse-condition.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { conditionOf } from "./connection-choices.ts";
import { isAboutConnections } from "./connection-limits.ts";
import { connectionMatches } from "./connection-matches.ts";

export type InspectionInput = z.input<typeof inspectionSchema>;

interface ContentRule {
  readonly statement: Statement;
  readonly action: "Accept" | "Reject";
  readonly condition: Condition;
}

const actions: Readonly<Record<string, ContentRule["action"]>> = {
  accept: "Accept",
  reject: "Reject",
  "silent-drop": "Reject",
};

/** That a ClientHello has come, which a listener that passes TLS on waits for by itself. */
export function isAboutTls({ subject }: Test): boolean {
  return subject.type === "connection" && subject.field === "TransportProtocol";
}

interface Inspected {
  readonly scope: Scope;
  /** Who is not let in, whatever connections begin with. */
  readonly rejected: Condition;
  /** Whether anything else is asked. */
  readonly isByBytes: boolean;
  /** What decides where connections go, which is waited for where no rule says for what. */
  readonly asked: readonly Pick<ContentRule, "statement" | "condition">[];
}

export function readInspection(
  front: Proxy,
  { scope, rejected, asked, isByBytes }: Inspected,
  notes: Notes,
): InspectionInput {
  const refused = { statement: front.heading, action: "Reject" as const, condition: rejected };
  const content = isByBytes ? contentRules(front, scope, notes) : [];
  if (content.length === 0 && rejected !== never)
    content.push(...asked.map((one) => ({ ...one, action: "Accept" as const })));
  const timeout = isByBytes ? readDelay(front, content, notes) : "0s";
  const rules = [refused, ...content].flatMap(({ statement, action, condition }) => {
    const matches = attempt(statement, notes, () => connectionMatches(condition));
    return matches ? [{ action, ...(matches.length > 0 && { matches }) }] : [];
  });
  return { ...(timeout !== undefined && { timeout }), ...(rules.length > 0 && { rules }) };
}

function contentRules(front: Proxy, scope: Scope, notes: Notes): ContentRule[] {
  return statementsOf(front, "tcp-request").flatMap((statement): ContentRule[] => {
    if (wordAt(statement, 1) !== "content") return [];
    const name = wordAt(statement, 2);
    if (/^(?:track-sc|sc-|(?:un)?set-var)/.test(name)) return [];
    const read = (): ContentRule[] => {
      const action = actions[name];
      if (!action) return unsupported("connections can only be accepted or rejected by rules");
      const condition = conditionOf(statement, scope);
      return condition && !isAboutConnections(condition) ? [{ statement, action, condition }] : [];
    };
    return attempt(statement, notes, read) ?? [];
  });
}

function readDelay(front: Proxy, rules: readonly ContentRule[], notes: Notes): string | undefined {
  const statement = settingOf(front, "tcp-request", "inspect-delay");
  const delayMs = statement && attempt(statement, notes, () => readDurationMs(statement.words[2]));
  const waits = rules.some(({ condition }) => testsOf(condition).length > 0 && !networksOf(condition));
  if (!delayMs || !waits) {
    notes.add(front.heading, {
      code: "statement-approximated",
      message:
        "what connections begin with is waited for, 10s at most; HAProxy looks at what has come at once, which may be nothing",
      remedy: "Write `tcp-request inspect-delay 10s` and `tcp-request content accept if …`.",
    });
  }
  return delayMs ? formatDuration(delayMs) : undefined;
}
