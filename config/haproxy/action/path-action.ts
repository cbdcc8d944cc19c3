// `set-path`, `replace-path`, `set-query`, `set-uri` and their like.
import type { PathModifier } from "#contract/http-route.ts";
import type { RequestText } from "#contract/request-text.ts";
import type { Draft, Situation } from "../program/program.ts";
import type { TextSubject } from "../condition/condition.ts";
import { pathText, queryText } from "../program/target-draft.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { resolveFormat, staticText } from "./format.ts";
import { regexReplacement, substitutionOf, type RegexReplacement, wholeMatch } from "./regex-replacement.ts";
import { requestTextOrProblem } from "./request-text.ts";
import { transformed } from "../condition/request-parts.ts";

/** `set-path <format>`. */
export function setPath(statement: Statement, end: number): (situation: Situation) => Draft {
  const format = wordAt(statement, 2);
  if (end !== 3) invalid("expected `set-path <format>`");
  return (situation) => {
    const path = staticText(format, situation);
    if (path !== undefined) {
      if (!/^\/[^\s?#]*$/.test(path)) invalid(`expected a path; found ${JSON.stringify(path)}`);
      return withPath(situation.draft, { type: "ReplaceFullPath", replaceFullPath: path }, path);
    }
    return withDynamicPath(format, situation);
  };
}

function withDynamicPath(format: string, situation: Situation): Draft {
  const { draft } = situation;
  const modifier = draft.path || draft.target ? undefined : dynamicPath(format, situation);
  if (modifier) return withPath(draft, modifier, undefined);
  const path = requestTextOrProblem(format, situation, "the new path");
  return withPathText(draft, path);
}

/** `/v2%[path]` and `%[path,regsub(^/old/,/new/)]`, which path modifiers can do. */
function dynamicPath(format: string, situation: Situation): PathModifier | undefined {
  const pieces = resolveFormat(format, situation);
  const prefix = pieces[0]?.kind === "text" ? pieces[0].text : "";
  const rest = prefix === "" ? pieces : pieces.slice(1);
  const [only] = rest;
  if (rest.length === 1 && only?.kind === "dynamic") {
    if (only.expression === "path") return replaceMatch("^/", `${escapeSubstitution(prefix)}/`);
    const replaced = /^path,regsub\((?:"([^"]*)"|'([^']*)'|([^,()]*)),([^,()]*)(?:,(g?))?\)$/.exec(
      only.expression,
    );
    if (replaced && prefix === "") {
      const [, double, single, plain, substitution = "", flags] = replaced;
      const pattern = double ?? single ?? plain ?? "";
      if (flags === "g" || pattern.startsWith("^") || pattern.endsWith("$"))
        return replaceMatch(pattern, substitution);
    }
  }
  return undefined;
}

/** `replace-path <regex> <format>`: where the expression is found, the whole path is replaced. */
export function replacePath(statement: Statement, end: number): (situation: Situation) => Draft {
  const [pattern, format] = [wordAt(statement, 2), wordAt(statement, 3)];
  if (end !== 4) invalid("expected `replace-path <regex> <format>`");
  const substitution = readSubstitution(format);
  const modifier = replaceMatch(wholeMatch(pattern), substitution);
  return ({ draft }) => {
    if (!draft.path && !draft.target) return withPath(draft, modifier, undefined);
    const path = pathText(draft);
    const replaced = path && transformed(path, [modifier]);
    if (!replaced) return changedBefore();
    return withPathText(draft, replaced);
  };
}

/** `set-query <format>`: what stands behind the question mark. */
export function setQuery(statement: Statement, end: number): (situation: Situation) => Draft {
  if (end !== 3) invalid("expected `set-query <format>`");
  return (situation) => {
    const { draft } = situation;
    const path = pathText(draft) ?? changedBefore();
    const query = requestTextOrProblem(wordAt(statement, 2), situation, "the new query");
    const changes = new Map(draft.changes).set("query", wholeText(query));
    return { ...withoutPath(draft), target: { path, query }, changes };
  };
}

/** `set-uri` and `set-pathq`: path and query at once. */
export function setTarget(statement: Statement, end: number): (situation: Situation) => Draft {
  if (end !== 3) invalid(`expected \`${wordAt(statement, 1)} <format>\``);
  return (situation) => {
    const whole = requestTextOrProblem(wordAt(statement, 2), situation, "the new URI");
    if (whole[0]?.text !== undefined && !whole[0].text.startsWith("/")) {
      unsupported("the new URI begins with something else than a path", "Set the Host with set-header.");
    }
    return withTarget(situation.draft, whole);
  };
}

/** `replace-uri` and `replace-pathq`, with the URI in its usual form: path and query. */
export function replaceTarget(statement: Statement, end: number): (situation: Situation) => Draft {
  const [pattern, format] = [wordAt(statement, 2), wordAt(statement, 3)];
  if (end !== 4) invalid(`expected \`${wordAt(statement, 1)} <regex> <format>\``);
  const substitution = readSubstitution(format);
  const transform = regexReplacement(wholeMatch(pattern), substitution);
  return ({ draft }) => {
    if (draft.path || draft.target) return changedBefore();
    return withTarget(draft, [{ from: "Target", transforms: [transform] }]);
  };
}

function readSubstitution(format: string): string {
  return (
    substitutionOf(format) ??
    unsupported("the replacement depends on the request beyond the expression's groups")
  );
}

function withTarget(draft: Draft, whole: RequestText): Draft {
  const path = transformed(whole, [{ type: "ReplaceRegexMatch", replaceRegexMatch: withoutQuery }]);
  const changes = new Map(draft.changes).set("path", path && wholeText(path)).set("query", undefined);
  return { ...withoutPath(draft), target: { whole }, changes };
}

const withoutQuery = { pattern: "[?].*$", substitution: "" };

function wholeText(parts: RequestText): TextSubject {
  return { type: "text", parts, missingIsEmpty: true };
}

function withPathText(draft: Draft, path: RequestText): Draft {
  const query = queryText(draft);
  if (draft.target && "whole" in draft.target) return changedBefore();
  const changes = new Map(draft.changes).set("path", wholeText(path));
  return { ...withoutPath(draft), target: { path, ...(query && { query }) }, changes };
}

function withoutPath({ path: _path, ...draft }: Draft): Draft {
  return draft;
}

function changedBefore(): never {
  return unsupported("the path is changed a second time", "Join both changes into one.");
}

function replaceMatch(pattern: string, substitution: string): RegexReplacement {
  if (/[\s?#]/.test(substitution)) {
    unsupported("the replacement goes beyond the path", "Use replace-pathq, or set-query.");
  }
  return regexReplacement(pattern, substitution);
}

function escapeSubstitution(text: string): string {
  return text.replace(/\\/g, "\\\\");
}

function withPath(draft: Draft, path: PathModifier, known: string | undefined): Draft {
  const text = known === undefined ? pathText({ ...draft, path }) : undefined;
  const changes = new Map(draft.changes).set("path", known ?? (text && wholeText(text)));
  if (!draft.target) return { ...draft, path, changes };
  return { ...withPathText(draft, [{ text: known ?? "" }]), changes };
}
