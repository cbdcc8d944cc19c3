// `set-path`, `replace-path`, `set-query`, `set-uri` and their like.
import type { PathModifier } from "#contract/http-route.ts";
import type { RequestText } from "#contract/request-text.ts";
import type { Draft, Situation } from "../program/program.ts";
import { transformed } from "../condition/text-parts.ts";
import {
  changedQuery,
  currentTarget,
  pathText,
  queryDraft,
  type TargetDraft,
  withTargetChanges,
} from "../program/target-draft.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { resolveFormat, staticText } from "./format.ts";
import { regexReplacement, substitutionOf, type RegexReplacement, wholeMatch } from "./regex-replacement.ts";
import { requestTextOrProblem } from "./request-text.ts";

/** `set-path <format>`. */
export function setPath(statement: Statement, end: number): (situation: Situation) => Draft {
  const format = wordAt(statement, 2);
  if (end !== 3) invalid("expected `set-path <format>`");
  return (situation) => {
    const path = staticText(format, situation);
    if (path !== undefined) {
      if (!/^\/[^\s?#]*$/.test(path)) invalid(`expected a path; found ${JSON.stringify(path)}`);
      if (situation.draft.target) return withPathText(situation.draft, [{ text: path }]);
      return withPath(situation.draft, { type: "ReplaceFullPath", replaceFullPath: path });
    }
    return withDynamicPath(format, situation);
  };
}

function withDynamicPath(format: string, situation: Situation): Draft {
  const { draft } = situation;
  const modifier = draft.path || draft.target ? undefined : dynamicPath(format, situation);
  if (modifier) return withPath(draft, modifier);
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
    if (!draft.path && !draft.target) return withPath(draft, modifier);
    const path = pathText(draft);
    const replaced = path && transformed(path, [modifier]);
    return replaced ? withPathText(draft, replaced) : changedTooOften();
  };
}

/** `set-query <format>`: what stands behind the question mark. */
export function setQuery(statement: Statement, end: number): (situation: Situation) => Draft {
  if (end !== 3) invalid("expected `set-query <format>`");
  return (situation) => {
    const { draft } = situation;
    const path = pathText(draft) ?? changedTooOften();
    const query = requestTextOrProblem(wordAt(statement, 2), situation, "the new query");
    return withTarget(draft, { path, query: queryDraft(query) });
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
    return withTarget(situation.draft, { whole });
  };
}

/** `replace-uri` and `replace-pathq`, with the URI in its usual form: path and query. */
export function replaceTarget(statement: Statement, end: number): (situation: Situation) => Draft {
  const [pattern, format] = [wordAt(statement, 2), wordAt(statement, 3)];
  if (end !== 4) invalid(`expected \`${wordAt(statement, 1)} <regex> <format>\``);
  const substitution = readSubstitution(format);
  const transform = regexReplacement(wholeMatch(pattern), substitution);
  return ({ draft }) => {
    const before = currentTarget(draft);
    const whole = before && transformed(before, [transform]);
    return whole ? withTarget(draft, { whole }) : changedTooOften();
  };
}

function readSubstitution(format: string): string {
  return (
    substitutionOf(format) ??
    unsupported("the replacement depends on the request beyond the expression's groups")
  );
}

function withTarget({ path: _path, ...draft }: Draft, target: TargetDraft): Draft {
  return withTargetChanges({ ...draft, target });
}

function withPathText(draft: Draft, path: RequestText): Draft {
  const query = changedQuery(draft);
  if (query === undefined) return changedTooOften();
  return withTarget(draft, { path, ...(query && { query }) });
}

function withPath(draft: Draft, path: PathModifier): Draft {
  return withTargetChanges({ ...draft, path });
}

function changedTooOften(): never {
  return unsupported("the path is changed too often for one text", "Join the changes into fewer.");
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
