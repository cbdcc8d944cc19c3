// What is collected while a snippet is read.
import type { Annotations } from "../annotation/annotations.ts";
import type { LocationFacts } from "../annotation/headers.ts";
import type { FilterInput, MatchInput } from "../rule-parts.ts";

/** An answer to the requests for which a condition holds. */
export interface SnippetAnswer {
  readonly match: MatchInput;
  readonly scheme?: "http" | "https";
  readonly filter: FilterInput;
  /** Of a location: it has its place among those of the host, before all that begin with less of the path. */
  readonly prefix?: { readonly path: string; readonly beforePatterns: boolean };
}

/** A location's own: variables such as `$service_name` are not the same in all of an Ingress. */
export type SnippetFilter = (facts: LocationFacts) => FilterInput;

/** `location-snippet` is the controller's, and so may be `server-snippet`. */
export type SnippetName = "configuration-snippet" | "server-snippet" | "location-snippet";

export interface SnippetContext {
  readonly name: SnippetName;
  readonly annotations: Annotations;
  readonly filters: SnippetFilter[];
  readonly answers: SnippetAnswer[];
  readonly allow: string[];
  readonly deny: string[];
  deniesAll: boolean;
}

/** True: the statement is understood. `words` are those behind the directive. */
export type StatementReader = (words: readonly string[], context: SnippetContext) => boolean;
