// Converters on texts that are known before a request arrives.
import type { Call } from "./sample.ts";

/** `undefined`: not known of this converter. */
export function convertKnown(value: string, { name, args }: Call): string | undefined {
  switch (name) {
    case "lower":
      return value.toLowerCase();
    case "upper":
      return value.toUpperCase();
    case "host_only":
      return value.replace(/:[0-9]+$/, "");
    case "iif":
      return /^(?:0|false|)$/.test(value) ? (args[1] ?? "") : (args[0] ?? "");
    case "field":
    case "word": {
      const parts = value.split(args[1] ?? "").filter((part) => name === "field" || part !== "");
      return parts[Number(args[0]) - 1] ?? "";
    }
    case "regsub":
      return replaceLiteral(value, args);
    default:
      return undefined;
  }
}

/** `regsub(^www\.,)`: expressions that are plain text with an anchor or two. */
function replaceLiteral(
  value: string,
  [pattern = "", replacement = "", flags = ""]: readonly string[],
): string | undefined {
  const plain = /^(\^?)((?:[\w/:-]|\\[./-])+)(\$?)$/.exec(pattern);
  if (!plain || /\\[0-9]/.test(replacement) || !/^[gi]*$/.test(flags)) return undefined;
  const [, start, text, end] = plain;
  const expected = text!.replace(/\\/g, "");
  const at = flags.includes("i")
    ? value.toLowerCase().indexOf(expected.toLowerCase())
    : value.indexOf(expected);
  const isAnchored = (start === "" || at === 0) && (end === "" || at + expected.length === value.length);
  if (at < 0 || !isAnchored) return value;
  if (flags.includes("g")) return undefined;
  return value.slice(0, at) + replacement + value.slice(at + expected.length);
}
