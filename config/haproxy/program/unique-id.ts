// `unique-id-format` and `unique-id-header` (§4.2): what a request is known by behind the proxy.
import { requestText } from "../action/request-text.ts";
import { always } from "../condition/condition.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt, invalid } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { Draft, Situation, Step } from "./program.ts";

/** The step that adds the header, behind all rules of the frontend. */
export function uniqueIdSteps(
  proxy: Proxy,
  addHeader: (statement: Statement, end: number) => (situation: Situation) => Draft,
  notes: Notes,
): Step[] {
  const header = settingOf(proxy, "unique-id-header");
  const format = settingOf(proxy, "unique-id-format");
  // HAProxy has no ID without a format, and sends none.
  if (!header || !format || proxy.kind === "backend") return [];
  const read = (): Step[] => {
    const name = wordAt(header, 1) || invalid("expected `unique-id-header <name>`");
    const adding = (text: string): ((situation: Situation) => Draft) => {
      const { column } = header.words[0]!;
      const words = ["http-request", "add-header", name, text].map((word) => ({ text: word, column }));
      return addHeader({ ...header, words }, words.length);
    };
    const [asWritten, asUuid] = [adding(wordAt(format, 1)), adding("%[uuid]")];
    const change = (situation: Situation): Draft => {
      if (requestText(wordAt(format, 1), situation)) return asWritten(situation);
      const message = "the ID is a UUID: not all of this format is known here";
      notes.add(format, { code: "statement-approximated", message, remedy: "Write `%[uuid()]`." });
      return asUuid(situation);
    };
    return [{ statement: header, condition: always, effect: { kind: "change", change } }];
  };
  return attempt(header, notes, read, { harmless: true }) ?? [];
}
