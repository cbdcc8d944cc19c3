// Text → concrete syntax tree by the `yaml` package's lexer and parser, stopped at the first step that nests too deep:
// its composer recurses, and 20,000 open brackets would cost seconds and the stack.
import { type CST, Lexer, Parser } from "yaml";

/** One token per document, made while they are iterated. Linear in the length of the text. */
export class YamlTokens implements Iterable<CST.Token> {
  /** Offset at which the nesting passed the bound; no token comes after it. */
  tooDeepAt: number | undefined;
  readonly #text: string;
  readonly #maxDepth: number;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  /** Syntax errors are among the tokens; the composer reports them. */
  *[Symbol.iterator](): Generator<CST.Token> {
    const parser = new Parser();
    // Besides the collections, the stack holds the document and the scalar that is being read.
    const maxStack = this.#maxDepth + 2;
    for (const lexeme of new Lexer().lex(this.#text)) {
      yield* parser.next(lexeme);
      if (parser.stack.length > maxStack) {
        this.tooDeepAt = parser.offset;
        return;
      }
    }
    yield* parser.end();
  }
}
