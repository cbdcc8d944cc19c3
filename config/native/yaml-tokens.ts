// Text → concrete syntax tree by the `yaml` package's lexer and parser, stopped at the first step that nests too deep:
// its composer recurses, and 20,000 open brackets would cost seconds and the stack. Stopped, too, where a document gets
// larger than its nodes may be, which need a kilobyte or two each.
import { type CST, Lexer, Parser } from "yaml";
import { limits } from "#contract/limits.ts";

/** The lexer's sign before a scalar, and the marks that values and keys may be missing at. */
const countedLexemes = new Set(["\u001F", "[", "{", "-", ":", "?", ","]);

/** A parser that is lost calls every lexeme an error; the first ones say what there is to say. */
const maxErrors = 20;

/** One token per document, made while they are iterated. Linear in the length of the text. */
export class YamlTokens implements Iterable<CST.Token> {
  /** Offset at which the nesting passed the bound; no token comes after it. */
  tooDeepAt: number | undefined;
  /** Offset at which a document, or the text, got more than it may have; no token comes after it. */
  tooManyAt: number | undefined;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** Syntax errors are among the tokens; the composer reports them. */
  *[Symbol.iterator](): Generator<CST.Token> {
    const parser = new Parser();
    // Besides the collections, the stack holds the document and the scalar that is being read.
    const maxStack = limits.configDepth + 2;
    let inText = 0;
    let inDocument = 0;
    let errors = 0;
    for (const lexeme of new Lexer().lex(this.#text)) {
      if (countedLexemes.has(lexeme)) inDocument += 1;
      for (const token of parser.next(lexeme)) {
        inText += inDocument;
        inDocument = 0;
        if (token.type === "error") errors += 1;
        yield token;
      }
      if (errors > maxErrors) return;
      if (inDocument > limits.configMarksAtOnce || inText > limits.configValues) {
        this.tooManyAt = parser.offset;
        return;
      }
      if (parser.stack.length > maxStack) {
        this.tooDeepAt = parser.offset;
        return;
      }
    }
    yield* parser.end();
  }
}
