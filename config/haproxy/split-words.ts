// A line of haproxy.cfg → words, by the rules of the "Quoting and escaping" chapter of its manual (§2.2).

export interface Word {
  readonly text: string;
  /** 1-based, in UTF-16 code units. */
  readonly column: number;
}

export interface WordProblem {
  readonly code: "haproxy-syntax" | "environment-variable";
  readonly column: number;
  readonly message: string;
  readonly remedy: string;
}

export interface SplitLine {
  readonly words: readonly Word[];
  readonly problem?: WordProblem;
  /** An environment variable whose default was taken. */
  readonly assumed?: string;
}

/** What a backslash makes of the next letter outside single quotes; other letters keep their backslash (`\1`, `\.`). */
const escapes: Readonly<Record<string, string>> = {
  " ": " ",
  "\\": "\\",
  "#": "#",
  '"': '"',
  "'": "'",
  t: "\t",
  n: "\n",
  r: "\r",
};

/** Time is linear in the line's length and in the values' of its variables. A word may be empty (`""`). */
export function splitWords(
  line: string,
  environment: Pick<ReadonlyMap<string, string>, "get" | "has"> = new Map<string, string>(),
): SplitLine {
  const words: Word[] = [];
  let assumed: string | undefined;
  let text = "";
  let start = -1;
  let quote: '"' | "'" | "" = "";
  let quoteColumn = 0;
  const end = (): void => {
    if (start >= 0) words.push({ text, column: start + 1 });
    text = "";
    start = -1;
  };

  for (let index = 0; index < line.length; index += 1) {
    const character = line[index]!;
    if (quote === "" && isSpace(character)) {
      end();
      continue;
    }
    if (quote === "" && character === "#") break;
    if (start < 0) start = index;
    if (character === quote) quote = "";
    else if (quote === "" && (character === '"' || character === "'")) {
      quote = character;
      quoteColumn = index + 1;
    } else if (character === "\\" && quote !== "'") {
      const escape = readEscape(line, index, quote);
      if (escape === undefined) return { words, problem: badHex(index) };
      text += escape.text;
      index += escape.chars - 1;
    } else if (character === "$" && quote === '"') {
      const variable = readVariable(line, index);
      const value = variable && (environment.get(variable.name) ?? variable.fallback);
      if (value === undefined) return { words, problem: environmentVariable(line, index) };
      if (!environment.has(variable!.name)) assumed = variable!.name;
      const [first = "", ...others] = variable!.isList ? value.trim().split(/\s+/) : [value];
      text += first;
      for (const other of others) {
        end();
        [text, start] = [other, index];
      }
      index += variable!.chars - 1;
    } else text += character;
  }
  if (quote !== "") return { words, problem: unterminated(quote, quoteColumn) };
  end();
  return { words, ...(assumed !== undefined && { assumed }) };
}

interface Variable {
  readonly name: string;
  readonly fallback: string | undefined;
  /** What stands between spaces in its value are words. */
  readonly isList: boolean;
  readonly chars: number;
}

/** `$NAME`, `${NAME}`, `${NAME-default}`, `${NAME[*]}`. */
function readVariable(line: string, index: number): Variable | undefined {
  const rest = line.slice(index, index + 1_024);
  const found = /^\$(?:(\w+)|\{(\w+)(\[\*\])?(?:-([^}"]*))?\})/.exec(rest);
  if (!found) return undefined;
  const [whole, bare, braced, list, fallback] = found;
  return { name: (bare ?? braced)!, fallback, isList: list !== undefined, chars: whole.length };
}

function isSpace(character: string): boolean {
  return character === " " || (character >= "\t" && character <= "\r");
}

function readEscape(line: string, index: number, quote: string): { text: string; chars: number } | undefined {
  const letter = line[index + 1];
  if (letter === undefined) return { text: "\\", chars: 1 };
  if (letter === "$" && quote === '"') return { text: "$", chars: 2 };
  if (letter === "x") {
    const hex = /^[0-9A-Fa-f]{2}/.exec(line.slice(index + 2, index + 4));
    return hex ? { text: String.fromCharCode(Number.parseInt(hex[0], 16)), chars: 4 } : undefined;
  }
  const escaped = escapes[letter];
  return escaped === undefined ? { text: "\\", chars: 1 } : { text: escaped, chars: 2 };
}

function badHex(index: number): WordProblem {
  return {
    code: "haproxy-syntax",
    column: index + 1,
    message: "\\x is not followed by two hexadecimal digits",
    remedy: "Write \\xHH, or \\\\x for a backslash and an x.",
  };
}

function unterminated(quote: string, column: number): WordProblem {
  const name = quote === '"' ? "double" : "single";
  return {
    code: "haproxy-syntax",
    column,
    message: `the ${name} quote is not closed on this line`,
    remedy: `Close it, or write \\${quote} for the character itself.`,
  };
}

function environmentVariable(line: string, index: number): WordProblem {
  const name = /^\$\{?\w+/.exec(line.slice(index, index + 80))?.[0].replace(/^\$\{?/, "") ?? "";
  return {
    code: "environment-variable",
    column: index + 1,
    message: `the environment variable ${JSON.stringify(name)} is not set`,
    remedy: "Set it where the file is read, write its value here, or \\$ for a dollar sign.",
  };
}
