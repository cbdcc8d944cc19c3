// The matches of one route, compiled. They hang on nothing but the route, so the matcher of the next snapshot goes on with
// those of each route that is still the same.
import type { SnapshotRoute } from "#contract/snapshot.ts";
import { compileEntry, type Entry } from "./entry.ts";
import type { PatternCompiler } from "./path-matcher.ts";
import type { Pattern } from "./pattern/pattern.ts";

export interface MatcherProblem {
  readonly route: string;
  /** `id` of the rule. */
  readonly rule: string;
  readonly matchIndex: number;
  readonly message: string;
}

export interface RouteEntries {
  /** Every match of every rule that can be compiled as a whole. */
  readonly entries: readonly Entry[];
  readonly problems: readonly MatcherProblem[];
  /** That the entries use, by their sources. */
  readonly patterns: ReadonlyMap<string, Pattern>;
}

const noPatterns: ReadonlyMap<string, Pattern> = new Map();

export function compileRoute(route: SnapshotRoute, compilePattern: PatternCompiler): RouteEntries {
  const entries: Entry[] = [];
  const problems: MatcherProblem[] = [];
  let patterns: Map<string, Pattern> | undefined;
  const noted: PatternCompiler = (source) => {
    const pattern = compilePattern(source);
    patterns ??= new Map();
    patterns.set(source, pattern);
    return pattern;
  };
  for (const [ruleIndex, rule] of route.rules.entries()) {
    const compiled: Entry[] = [];
    for (const matchIndex of rule.matches.keys()) {
      try {
        compiled.push(compileEntry(route, ruleIndex, matchIndex, noted));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        problems.push({ route: route.name, rule: rule.id, matchIndex, message });
      }
    }
    if (compiled.length === rule.matches.length) entries.push(...compiled);
  }
  return { entries, problems, patterns: patterns ?? noPatterns };
}

/** Compiles a pattern, or finds it compiled: in these routes, or in those before. */
export class PatternStore {
  /** Of all routes added; no others are kept. */
  readonly patterns = new Map<string, Pattern>();
  readonly #before: ReadonlyMap<string, Pattern>;
  readonly #compile: PatternCompiler;

  constructor(before: ReadonlyMap<string, Pattern>, compile: PatternCompiler) {
    this.#before = before;
    this.#compile = compile;
  }

  readonly find: PatternCompiler = (source) =>
    this.patterns.get(source) ?? this.#before.get(source) ?? this.#compile(source);

  add({ patterns }: RouteEntries): void {
    for (const [source, pattern] of patterns) this.patterns.set(source, pattern);
  }
}
