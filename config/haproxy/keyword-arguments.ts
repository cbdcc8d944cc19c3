// Keywords of a statement that stand in any order, each with as many arguments behind it as it takes.
import type { Word } from "./split-words.ts";
import { wordAt, type Statement } from "./statement.ts";
import { invalid } from "./statement-problem.ts";

export interface Keyword {
  readonly name: string;
  readonly word: Word | undefined;
  /** The next argument, which is then no keyword. Throws where there is none. */
  readonly argument: () => string;
}

/** The keywords from word `start` on, up to word `end`. */
export function* keywordsOf(
  statement: Statement,
  start: number,
  end: number = statement.words.length,
): Generator<Keyword> {
  let index = start;
  while (index < end) {
    const name = wordAt(statement, index);
    const word = statement.words[index];
    index += 1;
    const argument = (): string => {
      if (index >= end) return invalid(`${name} needs an argument`, { word });
      index += 1;
      return wordAt(statement, index - 1);
    };
    yield { name, word, argument };
  }
}
