// A regular expression of the configuration, ready to run. Time is linear in the input for every pattern, so neither a
// hostile pattern nor a hostile request stalls the gateway (decision 0004).
import { literalPrefix } from "#contract/pattern/literal-prefix.ts";
import { parsePattern } from "#contract/pattern/parse-pattern.ts";
import { limits } from "#contract/limits.ts";
import { search } from "./capture-machine.ts";
import { LazyDfa } from "./lazy-dfa.ts";
import { compileProgram } from "#contract/pattern/compile-program.ts";

export interface Pattern {
  readonly source: string;
  /** True when the pattern matches the whole input, as Envoy's `safe_regex` does for paths, headers and parameters. */
  test(input: string): boolean;
  /** Whether it matches a part of the input. */
  isIn(input: string): boolean;
  /**
   * Every match replaced, as Envoy's `regex_rewrite`: `\0` to `\9` in the substitution are the match and its groups.
   * At most `limits.regexReplacements` matches are replaced.
   */
  replaceAll(input: string, substitution: string): string;
}

/** Compiles a pattern. Throws `PatternSyntaxError`. */
export function compilePattern(source: string): Pattern {
  const parsed = parsePattern(source);
  const program = compileProgram(parsed);
  const prefix = literalPrefix(parsed.node);
  const dfa = program.hasWordBoundary ? undefined : new LazyDfa(program);
  return {
    source,
    test: (input) =>
      input.startsWith(prefix) &&
      (dfa ? dfa.test(input) : search(program, input, { from: 0, whole: true }) !== undefined),
    isIn: (input) => search(program, input, { from: 0, whole: false }) !== undefined,
    replaceAll: (input, substitution) => {
      let output = "";
      let position = 0;
      let from = 0;
      for (let count = 0; count < limits.regexReplacements && from <= input.length; count += 1) {
        const captures = search(program, input, { from, whole: false });
        if (!captures) break;
        const [start, end] = captures as [number, number];
        output += input.slice(position, start) + expand(substitution, input, captures);
        position = end;
        // An empty match replaces nothing further at this place.
        from = end > start ? end : end + 1;
      }
      return output + input.slice(position);
    },
  };
}

function expand(substitution: string, input: string, captures: readonly number[]): string {
  return substitution.replace(/\\([0-9\\])/g, (_escape, reference: string) => {
    if (reference === "\\") return "\\";
    const start = captures[Number(reference) * 2] ?? -1;
    return start < 0 ? "" : input.slice(start, captures[Number(reference) * 2 + 1]);
  });
}
