// A rewritten request target: path and query, put together from the client's request.
import type { RequestText } from "#contract/request-text.ts";
import { canonicalPath } from "./path-replacement.ts";
import { asUriText, compileRequestText, type ClientRequest } from "./request-text.ts";

export interface Target {
  /** Canonical. */
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
}

export type TargetReplacement = (request: ClientRequest) => Target;

/** What a fragment would be ends the target; a path without leading slash gets one. */
export function compileTarget(parts: RequestText): TargetReplacement {
  const textOf = compileRequestText(parts);
  return (request) => {
    const [text = ""] = asUriText(textOf(request)).split("#", 1);
    const queryStart = text.indexOf("?");
    const path = queryStart < 0 ? text : text.slice(0, queryStart);
    return {
      path: canonicalPath(path.startsWith("/") ? path : `/${path}`),
      query: queryStart < 0 ? "" : text.slice(queryStart + 1),
    };
  };
}

export function targetText({ path, query }: Target): string {
  return query === "" ? path : `${path}?${query}`;
}
