// Text → concrete syntax tree by the `yaml` package's lexer and parser, stopped at the first step that nests too deep:
// its composer recurses, and 20,000 open brackets would cost seconds and the stack.
import { type CST, Lexer, Parser } from "yaml";

export interface YamlTokens {
  readonly tokens: CST.Token[];
  /** Offset at which the nesting passed the bound; the tokens are incomplete then. */
  readonly tooDeepAt?: number;
}

/** Linear in the length of the text. Syntax errors are among the tokens; the composer reports them. */
export function yamlTokens(text: string, maxDepth: number): YamlTokens {
  const parser = new Parser();
  const tokens: CST.Token[] = [];
  // Besides the collections, the stack holds the document and the scalar that is being read.
  const maxStack = maxDepth + 2;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) tokens.push(token);
    if (parser.stack.length > maxStack) return { tokens, tooDeepAt: parser.offset };
  }
  for (const token of parser.end()) tokens.push(token);
  return { tokens };
}
