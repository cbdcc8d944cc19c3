// `set-path`, `replace-path` and their like.
import type { PathModifier } from "#contract/http-route.ts";
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { Draft, Situation } from "../program/program.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { parseFormat, resolveFormat, staticText } from "./format.ts";

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
    return withPath(situation.draft, dynamicPath(format, situation), undefined);
  };
}

/** `/v2%[path]` and `%[path,regsub(^/old/,/new/)]`. */
function dynamicPath(format: string, situation: Situation): PathModifier {
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
  return unsupported(
    "the new path depends on the request in a way that cannot be translated",
    "Use replace-path with a regular expression.",
  );
}

/** `replace-path <regex> <format>`: where the expression is found, the whole path is replaced. */
export function replacePath(statement: Statement, end: number): (situation: Situation) => Draft {
  const [pattern, format] = [wordAt(statement, 2), wordAt(statement, 3)];
  if (end !== 4) invalid("expected `replace-path <regex> <format>`");
  const substitution = parseFormat(format).map((piece) => {
    if (piece.kind === "text") return piece.text;
    return unsupported("the replacement depends on the request beyond the expression's groups");
  });
  const modifier = replaceMatch(wholePath(pattern), substitution.join(""));
  return ({ draft }) => withPath(draft, modifier, undefined);
}

/** The same expression for the whole path, its groups unchanged. */
function wholePath(pattern: string): string {
  const isChoice = pattern.includes("|");
  const start = !isChoice && pattern.startsWith("^") ? "" : "^.*?";
  const end = !isChoice && /(?:^|[^\\])(?:\\\\)*\$$/.test(pattern) ? "" : ".*$";
  return start + (isChoice ? `(?:${pattern})` : pattern) + end;
}

function replaceMatch(pattern: string, substitution: string): PathModifier {
  const problem = patternError(pattern);
  if (problem !== undefined) {
    unsupported(
      `the expression cannot run in linear time: ${problem}`,
      "Write it without look-around and back-references.",
    );
  }
  if (/[\s?#]/.test(substitution)) {
    unsupported("the replacement goes beyond the path", "Replace the path only; the query stays as it is.");
  }
  return { type: "ReplaceRegexMatch", replaceRegexMatch: { pattern, substitution } };
}

function escapeSubstitution(text: string): string {
  return text.replace(/\\/g, "\\\\");
}

function withPath(draft: Draft, path: PathModifier, known: string | undefined): Draft {
  if (draft.path && path.type !== "ReplaceFullPath") {
    unsupported("the path is changed a second time", "Join both changes into one.");
  }
  return { ...draft, path, changes: new Map(draft.changes).set("path", known) };
}
