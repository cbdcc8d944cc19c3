// Text of nginx's configuration → statements. Nothing in it is ever run: what is not known here is only named.

export interface Statement {
  /** Unquoted; the first is the directive. */
  readonly words: readonly string[];
  /** Absent: the statement ended with a semicolon. */
  readonly block?: readonly Statement[];
}

/** Bounds of what a stranger can make grow. */
const maxStatements = 1_000;
const maxDepth = 8;

/** What is wrong with the text, instead of its statements. */
export function parseSnippet(text: string): readonly Statement[] | string {
  const words = split(text);
  if (typeof words === "string") return words;
  const reader: Reader = { words, position: 0, count: 0 };
  const statements = readBlock(reader, 0);
  if (typeof statements === "string") return statements;
  return reader.position < words.length ? "a `}` too many" : statements;
}

interface Word {
  readonly text: string;
  /** `;`, `{` and `}` that stand in no quotes. */
  readonly isMark: boolean;
}

interface Reader {
  readonly words: readonly Word[];
  position: number;
  count: number;
}

function readBlock(reader: Reader, depth: number): Statement[] | string {
  if (depth > maxDepth) return `blocks deeper than ${maxDepth}`;
  const statements: Statement[] = [];
  let words: string[] = [];
  while (reader.position < reader.words.length) {
    const { text, isMark } = reader.words[reader.position]!;
    if (isMark && text === "}") break;
    reader.position += 1;
    if (!isMark) {
      words.push(text);
      continue;
    }
    reader.count += 1;
    if (reader.count > maxStatements) return `more than ${maxStatements} statements`;
    if (text === ";") {
      if (words.length > 0) statements.push({ words });
    } else {
      const block = readBlock(reader, depth + 1);
      if (typeof block === "string") return block;
      if (reader.position >= reader.words.length) return "a block without `}`";
      reader.position += 1;
      statements.push({ words, block });
    }
    words = [];
  }
  return words.length > 0 ? `${JSON.stringify(words[0])} without \`;\`` : statements;
}

function split(text: string): Word[] | string {
  const words: Word[] = [];
  const pattern =
    /\s+|#[^\n]*|([;{}])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:\$\{\w+\}|[^\s;{}"'\\]|\\.)(?:\$\{\w+\}|[^\s;{}\\]|\\.)*)/gsy;
  while (pattern.lastIndex < text.length) {
    const start = pattern.lastIndex;
    const found = pattern.exec(text);
    if (!found) return `${JSON.stringify(text.slice(start, start + 20))} cannot be read`;
    const [, mark, double, single, bare] = found;
    if (mark !== undefined) words.push({ text: mark, isMark: true });
    else if (double !== undefined) words.push({ text: unescape(double, '"'), isMark: false });
    else if (single !== undefined) words.push({ text: unescape(single, "'"), isMark: false });
    else if (bare !== undefined) words.push({ text: bare, isMark: false });
  }
  return words;
}

/** nginx keeps a backslash in front of all but quotes and itself. */
function unescape(text: string, quote: string): string {
  return text.replace(/\\(["'\\])/g, (whole, char: string) =>
    char === quote || char === "\\" ? char : whole,
  );
}
