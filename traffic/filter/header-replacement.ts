// Values of header fields that are rewritten by regular expressions.
import type { ReplacedHeader } from "#contract/header-modifier.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { asFieldValue, compileTransform } from "./request-text.ts";

export function compileHeaderReplacement({
  replaceRegexMatch,
  elements,
}: ReplacedHeader): (value: string) => string {
  const replace = compileTransform({ type: "ReplaceRegexMatch", replaceRegexMatch });
  const rewritten = (value: string): string => {
    const replaced = replace(value);
    // What is no value of a field any more is not one to send.
    return (replaced === undefined ? undefined : asFieldValue(replaced)) ?? value;
  };
  return elements ? (value) => elementsOf(value).map(rewritten).join(", ") : rewritten;
}

/** Set-Cookie is the one field whose lines cannot be joined (RFC 9110 §5.3). */
export function replaceField(headers: HeaderFields, name: string, replace: (value: string) => string): void {
  const values = name === "set-cookie" ? headers.getSetCookie?.() : undefined;
  if (!values) {
    const value = headers.get(name);
    if (value === null) return;
    const replaced = replace(value);
    if (replaced !== value) headers.set(name, replaced);
    return;
  }
  if (values.length === 0) return;
  headers.delete(name);
  for (const value of values) headers.append(name, replace(value));
}

/** Between commas that are in no quoted string (RFC 9110 §5.6.1, §5.6.4), without the white space around them. */
function elementsOf(value: string): string[] {
  const elements: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value[at];
    if (isQuoted && character === "\\") at += 1;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "," && !isQuoted) {
      elements.push(value.slice(start, at).trim());
      start = at + 1;
    }
  }
  elements.push(value.slice(start).trim());
  return elements;
}
