// Texts that are transformed as a whole, within what the model allows.
import { maxTextDepth, type RequestText, type TextPart } from "#contract/request-text.ts";
import type { TextTransform } from "#contract/text-transform.ts";

const maxTransforms = 8;

/** `undefined`: it would go deeper than texts may. */
export function transformed(
  parts: RequestText,
  transforms: readonly TextTransform[],
): RequestText | undefined {
  if (transforms.length === 0) return parts;
  const [only, ...others] = parts;
  const before = only?.transforms ?? [];
  const isChain = only && only.text === undefined && others.length === 0 && only.missingIsEmpty !== true;
  if (isChain && before.length + transforms.length <= maxTransforms) {
    return [{ ...only, transforms: [...before, ...transforms] }];
  }
  if (transforms.length > maxTransforms || depthOf(parts) >= maxTextDepth) return undefined;
  return [{ parts, transforms: [...transforms] }];
}

function depthOf(parts: RequestText): number {
  return 1 + Math.max(0, ...parts.map((part) => (part.parts ? depthOf(part.parts) : 0)));
}

/** Every part that is no words, those of texts in texts included. */
export function factsIn(parts: RequestText): TextPart[] {
  return parts.flatMap((part) => (part.parts ? factsIn(part.parts) : part.from ? [part] : []));
}

/** Of these every request has something, and they leave something of every text. */
const certainFacts: ReadonlySet<TextPart["from"]> = new Set([
  "Host",
  "Method",
  "Path",
  "Query",
  "Search",
  "Target",
]);
const certainTransforms: ReadonlySet<string> = new Set([
  "ReplaceRegexMatch",
  "Lower",
  "Upper",
  "Affix",
  "Trim",
]);

/** The part with nothing in its place where the request has none. */
export function emptyIfMissing(part: TextPart): TextPart {
  return isCertain(part) ? part : { ...part, missingIsEmpty: true };
}

/** The text as one part of another: it is there as a whole, or nothing of it. `undefined`: it would go deeper than texts may. */
export function asOnePart(parts: RequestText): RequestText | undefined {
  if (parts.length <= 1 || parts.every(isCertain)) return parts;
  return depthOf(parts) < maxTextDepth ? [{ parts }] : undefined;
}

function isCertain({ text, from, parts, transforms = [], missingIsEmpty }: TextPart): boolean {
  if (text !== undefined || missingIsEmpty) return true;
  const isThere = parts ? parts.every(isCertain) : certainFacts.has(from);
  return isThere && transforms.every(({ type }) => certainTransforms.has(type));
}
