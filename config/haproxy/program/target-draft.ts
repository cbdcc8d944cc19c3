// What rules have made of a request's path and query so far, as texts that the gateway puts together.
import type { RequestText } from "#contract/request-text.ts";
import type { Draft } from "./program.ts";

export type TargetDraft =
  /** Path and query in one. */
  | { readonly whole: RequestText }
  /** Without a query of its own, the request's stays. */
  | { readonly path: RequestText; readonly query?: RequestText };

/** The path as the rules so far have made it; `undefined`: it is part of a longer text. */
export function pathText({ path, target }: Draft): RequestText | undefined {
  if (target) return "path" in target ? target.path : undefined;
  if (!path) return [{ from: "Path" }];
  if (path.type === "ReplaceFullPath") return [{ text: path.replaceFullPath }];
  if (path.type !== "ReplaceRegexMatch") return undefined;
  const { type, replaceRegexMatch } = path;
  return [{ from: "Path", transforms: [{ type, replaceRegexMatch }] }];
}

export function queryText({ target }: Draft): RequestText | undefined {
  return target && "path" in target ? target.query : undefined;
}

export function targetText(target: TargetDraft): RequestText {
  if ("whole" in target) return target.whole;
  const { path, query } = target;
  return [...path, ...(query ? [{ text: "?" }, ...query] : [{ from: "Search" as const }])];
}

/** Path and query as the rules so far have made them; `undefined`: nothing that could be put together. */
export function currentTarget(draft: Draft): RequestText | undefined {
  if (draft.target) return targetText(draft.target);
  if (!draft.path) return [{ from: "Target" }];
  const path = pathText(draft);
  return path && targetText({ path });
}
