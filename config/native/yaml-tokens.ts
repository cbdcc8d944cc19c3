// Text → concrete syntax tree by the `yaml` package's lexer and parser, stopped at the first step that nests too deep:
// its composer recurses, and 20,000 open brackets would cost seconds and the stack.
import { type CST, Lexer, Parser } from "yaml";

/** Sees the list under a key of the document's map, each time that it has grown. */
export type ListObserver = (list: CST.BlockSequence) => void;

/** One token per document, made while they are iterated. Linear in the length of the text. */
export class YamlTokens implements Iterable<CST.Token> {
  /** Offset at which the nesting passed the bound; no token comes after it. */
  tooDeepAt: number | undefined;
  readonly #text: string;
  readonly #maxDepth: number;
  readonly #observeList: ListObserver | undefined;

  constructor(text: string, maxDepth: number, observeList?: ListObserver) {
    this.#text = text;
    this.#maxDepth = maxDepth;
    this.#observeList = observeList;
  }

  /** Syntax errors are among the tokens; the composer reports them. */
  *[Symbol.iterator](): Generator<CST.Token> {
    const parser = new Parser();
    const observe = this.#observeList;
    // Besides the collections, the stack holds the document and the scalar that is being read.
    const maxStack = this.#maxDepth + 2;
    for (const lexeme of new Lexer().lex(this.#text)) {
      yield* parser.next(lexeme);
      const { stack } = parser;
      if (stack.length > maxStack) {
        this.tooDeepAt = parser.offset;
        return;
      }
      if (observe && stack[2]?.type === "block-seq" && stack[1]?.type === "block-map") observe(stack[2]);
    }
    yield* parser.end();
  }
}
