// What rules have made of a request's path and query so far, as texts that the gateway puts together.
import type { RequestText } from "#contract/request-text.ts";
import type { TextTransform } from "#contract/text-transform.ts";
import type { Change } from "../condition/changes.ts";
import { transformed } from "../condition/text-parts.ts";
import type { Draft } from "./program.ts";

export type TargetDraft =
  /** Path and query in one. */
  | { readonly whole: RequestText }
  /** Without a query of its own, the request's stays. */
  | { readonly path: RequestText; readonly query?: QueryDraft };

interface QueryDraft {
  readonly text: RequestText;
  /** With its question mark, if there is one. */
  readonly search: RequestText;
}

/** A query that stands for itself. */
export function queryDraft(text: RequestText): QueryDraft {
  return { text, search: [{ text: "?" }, ...text] };
}

/** The path as the rules so far have made it; `undefined`: it cannot be put together. */
export function pathText({ path, target }: Draft): RequestText | undefined {
  if (target) return "path" in target ? target.path : transformed(target.whole, [without("[?].*$")]);
  if (!path) return [{ from: "Path" }];
  if (path.type === "ReplaceFullPath") return [{ text: path.replaceFullPath }];
  if (path.type !== "ReplaceRegexMatch") return undefined;
  const { type, replaceRegexMatch } = path;
  return [{ from: "Path", transforms: [{ type, replaceRegexMatch }] }];
}

/** The query that rules have made; `null`: none has. `undefined`: it cannot be put together. */
export function changedQuery({ target }: Draft): QueryDraft | null | undefined {
  if (!target) return null;
  if ("path" in target) return target.query ?? null;
  const text = transformed(target.whole, [without("^[^?]*[?]?")]);
  const search = transformed(target.whole, [without("^[^?]*")]);
  return text && search && { text, search };
}

/** The query with its question mark, as it is now. */
export function currentSearch(draft: Draft): RequestText | undefined {
  const changed = changedQuery(draft);
  return changed === null ? [{ from: "Search" }] : changed?.search;
}

function without(pattern: string): TextTransform {
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution: "" } };
}

export function targetText(target: TargetDraft): RequestText {
  if ("whole" in target) return target.whole;
  const { path, query } = target;
  return [...path, ...(query?.search ?? [{ from: "Search" as const }])];
}

/** Path and query as the rules so far have made them; `undefined`: nothing that could be put together. */
export function currentTarget(draft: Draft): RequestText | undefined {
  if (draft.target) return targetText(draft.target);
  if (!draft.path) return [{ from: "Target" }];
  const path = pathText(draft);
  return path && targetText({ path });
}

/** The draft with what conditions and texts are to see of its path and query. */
export function withTargetChanges(draft: Draft): Draft {
  const query = changedQuery(draft);
  const changes = new Map(draft.changes)
    .set("path", changeOf(pathText(draft)))
    .set("target", changeOf(currentTarget(draft)));
  if (query !== null) changes.set("query", changeOf(query?.text));
  return { ...draft, changes };
}

function changeOf(parts: RequestText | undefined): Change {
  if (parts?.length === 1 && parts[0]!.text !== undefined) return parts[0]!.text;
  return parts && { type: "text", parts, missingIsEmpty: true };
}
