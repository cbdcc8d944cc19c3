// Tests whose outcome is known before any request: the text is given.
import type { Test } from "./condition.ts";

/** Whether a known text passes; `undefined`: only a regular expression could tell. */
export function decide({ operator, values, ignoreCase }: Test, text: string): boolean | undefined {
  const fold = (value: string): string => (ignoreCase ? value.toLowerCase() : value);
  const subject = fold(text);
  switch (operator) {
    case "present":
      return true;
    case "exact":
      return values.some((value) => fold(value) === subject);
    case "prefix":
      return values.some((value) => subject.startsWith(fold(value)));
    case "suffix":
      return values.some((value) => subject.endsWith(fold(value)));
    case "contains":
      return values.some((value) => subject.includes(fold(value)));
    case "segment":
      return values.some((value) => hasPart(subject, fold(value), "/?"));
    case "label":
      return values.some((value) => hasPart(subject, fold(value), "/?.:"));
    default:
      return undefined;
  }
}

function hasPart(text: string, value: string, delimiters: string): boolean {
  let from = 0;
  let to = value.length;
  while (from < to && delimiters.includes(value[from]!)) from += 1;
  while (to > from && delimiters.includes(value[to - 1]!)) to -= 1;
  const part = value.slice(from, to);
  const isEdge = (index: number): boolean =>
    index < 0 || index >= text.length || delimiters.includes(text[index]!);
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
    if (isEdge(at - 1) && isEdge(at + part.length)) return true;
  }
  return false;
}
