// Parts of a text between delimiters.

interface Field {
  readonly position: number;
  readonly delimiters: string;
  readonly count?: number | undefined;
  readonly skipEmpty?: boolean | undefined;
  readonly quoted?: boolean | undefined;
}

/**
 * `undefined`: there is no such field. Several fields are what stands from the first to the last of them; where there are
 * fewer, to the end of the text.
 */
export function fieldOf(
  text: string,
  { position, delimiters, count = 1, skipEmpty = false, quoted = false }: Field,
): string | undefined {
  const found = fieldsOf(text, delimiters, quoted).filter(({ start, end }) => !skipEmpty || end > start);
  const first = position > 0 ? position - 1 : found.length + position;
  const field = found[first];
  if (!field) return undefined;
  const last = count === 0 ? undefined : found[position > 0 ? first + count - 1 : first - count + 1];
  return position > 0 ? text.slice(field.start, last?.end) : text.slice(last?.start ?? 0, field.end);
}

function fieldsOf(text: string, delimiters: string, quoted: boolean): { start: number; end: number }[] {
  const fields: { start: number; end: number }[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at <= text.length; at += 1) {
    const character = text[at];
    if (quoted && character === '"') isQuoted = !isQuoted;
    // RFC 9110 §5.6.4: a backslash in front of it keeps a quote from ending.
    else if (isQuoted && character === "\\") at += 1;
    if (at < text.length && (isQuoted || !delimiters.includes(text[at]!))) continue;
    fields.push({ start, end: at });
    start = at + 1;
  }
  return fields;
}
