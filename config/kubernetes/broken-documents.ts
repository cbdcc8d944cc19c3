// Documents of a stream that are no YAML, told apart from those that are: marks end a document whatever it is in the middle of
// (YAML 1.2.2 §9.1.2), so that what is broken in one says nothing of the next.
import { textProblem } from "../native/parse.ts";
import type { TextProblem } from "../native/source-document.ts";
import { readYamlStream } from "../native/yaml-document.ts";

export interface BrokenDocument {
  readonly text: string;
  /** With lines of the stream. */
  readonly problems: readonly TextProblem[];
}

export interface SeparatedStream {
  /** The stream without them, each line where it was. */
  readonly rest: string;
  readonly broken: readonly BrokenDocument[];
}

/** Reading a document apart costs something, however short it is. */
const maxDocuments = 50_000;
const maxBroken = 100;

/** What documents behind it go on with, or mean something else by. */
const shared = /^(?:%|\.\.\.)|\r(?!\n)/m;

/** `undefined`: it is not certain where documents end, or there are too many of them. */
export function separateBroken(stream: string): SeparatedStream | undefined {
  if (shared.test(stream)) return undefined;
  const marks = [...stream.matchAll(/^---(?=\s|$)/gm)].map(({ index }) => index);
  const starts = [0, ...marks.filter((index) => index > 0)];
  if (starts.length > maxDocuments) return undefined;
  const broken: BrokenDocument[] = [];
  let rest = "";
  let lines = 0;
  for (const [index, start] of starts.entries()) {
    const text = stream.slice(start, starts[index + 1]);
    const lineEnds = "\n".repeat(text.split("\n").length - 1);
    const problems = problemsOf(text).map((problem) => ({ ...problem, line: problem.line + lines }));
    if (problems.length > 0) broken.push({ text, problems });
    if (broken.length > maxBroken) return undefined;
    rest += problems.length > 0 ? lineEnds : text;
    lines += lineEnds.length;
  }
  return { rest, broken };
}

function problemsOf(text: string): readonly TextProblem[] {
  const unreadable = textProblem(text);
  return unreadable ? [unreadable] : readYamlStream(text).problems;
}
