// Which of some languages a client likes best (RFC 9110 §12.5.4).

/** A client that likes `de-CH` gets `de`, if that is what there is (RFC 4647 §3.4); of several likings of one weight the first counts. */
export function preferredLanguage(
  text: string,
  { languages, default: fallback }: { languages: readonly string[]; default?: string | undefined },
): string | undefined {
  let best: string | undefined;
  let bestWeight = 0;
  for (const element of text.split(",")) {
    const [, range, weightText = "1"] = /^\s*([^;\s]+)\s*(?:;\s*q\s*=\s*([0-9.]+))?/.exec(element) ?? [];
    if (range === undefined) continue;
    const language = languages.find((known) => fits(range.toLowerCase(), known.toLowerCase()));
    const weight = Math.min(1, Number(weightText));
    if (language === undefined || !(weight > bestWeight)) continue;
    best = language;
    bestWeight = weight;
  }
  return best ?? fallback;
}

function fits(range: string, language: string): boolean {
  return range === language || range.startsWith(`${language}-`);
}
