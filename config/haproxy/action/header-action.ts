// `http-request set-header` and its like, for both directions.
import type { ResponseMatch } from "#contract/response-match.ts";
import { requestFactSchema } from "#contract/header-modifier.ts";
import type { RequestText } from "#contract/request-text.ts";
import { headerNameSchema, headerValueSchema } from "#contract/http-route.ts";
import type { Condition } from "../condition/condition.ts";
import type { Change, Changes } from "../condition/changes.ts";
import { responseHeadersIn } from "../condition/response-parts.ts";
import {
  addHeader,
  deleteHeader,
  isReplaceable,
  noEdits,
  replaceInHeader,
  setHeader,
  valuesRead,
  type HeaderEdits,
  type RequestValue,
} from "../program/header-edits.ts";
import type { Draft, LaterHeader, Situation } from "../program/program.ts";
import { headersRead } from "../program/response-cases.ts";
import { invalid, StatementProblem, unsupported } from "../statement-problem.ts";
import type { Notes } from "../notes.ts";
import { wordAt, type Statement } from "../statement.ts";
import { resolveFormat, staticText, type Piece } from "./format.ts";
import { regexReplacement, substitutionOf, wholeMatch } from "./regex-replacement.ts";
import { textOfPieces } from "./request-text.ts";

/** `after`: also of responses that are made here. */
export type Direction = "request" | "response" | "after";

/** Fields that forwarding writes itself, with what it writes there. */
const forwarded: ReadonlyMap<string, RegExp> = new Map(
  Object.entries({
    "x-forwarded-for": /^(?:src|%ci)$/,
    "x-forwarded-host": /^(?:req\.)?f?hdr\(host\)$/i,
  }),
);

/** `set-header`, `add-header`, `del-header`: name and value from word 2 on, to `end`. */
export function headerAction(
  statement: Statement,
  end: number,
  direction: Direction,
  notes: Notes,
  match?: ResponseMatch,
): (situation: Situation) => Draft {
  const place = { direction, match };
  const action = wordAt(statement, 1);
  const name = readName(statement);
  if (action === "del-header") {
    if (end > 3 && wordAt(statement, 3) === "-m" && wordAt(statement, 4) !== "str") {
      unsupported(
        "headers are removed by their whole names only",
        "Name each header in a statement of its own.",
      );
    }
    return ({ draft }) => withHeader(draft, place, name, null, (edits) => deleteHeader(edits, name));
  }
  if (end < 4) invalid("the header has no value");
  const format = wordAt(statement, 3);
  const edit = action === "add-header" ? addHeader : setHeader;
  return (request) => {
    const situation: Situation = direction === "request" ? request : { ...request, message: "response" };
    const value = staticText(format, situation);
    if (value === undefined) return dynamicValue(statement, place, situation, notes);
    if (!headerValueSchema.safeParse(value).success) invalid("the value has control characters in it");
    if (name.toLowerCase() === "host" && direction === "request") return withHost(situation.draft, value);
    const after = edit === setHeader ? value : undefined;
    return withHeader(situation.draft, place, name, after, (edits) => edit(edits, name, value));
  };
}

/** `replace-header <name> <regex> <format>`: a field in which the expression is found is replaced as a whole. */
export function replaceHeader(
  statement: Statement,
  end: number,
  notes: Notes,
): { readonly where: Condition; readonly change: (situation: Situation) => Draft } {
  const [pattern, format] = [wordAt(statement, 3), wordAt(statement, 4)];
  if (end !== 5) invalid("expected `replace-header <name> <regex> <format>`");
  const name = readName(statement);
  const field = name.toLowerCase();
  const substitution = substitutionOf(format);
  const transforms = [regexReplacement(wholeMatch(pattern), substitution ?? "")];
  const change = ({ draft }: Situation): Draft => {
    const isChanged = draft.changes.has(`header:${field}`);
    if (substitution !== undefined && !isChanged && field !== "host") {
      const parts = [{ from: "Header" as const, name, transforms }];
      return withHeader(draft, { direction: "request" }, name, { type: "text", parts }, (edits) =>
        setHeader(edits, name, { parts }),
      );
    }
    const message =
      substitution === undefined
        ? "the replacement depends on the request beyond the expression's groups, so the header is left as it is"
        : `${name} is left as it is: it cannot be replaced here${isChanged ? " after another change" : ""}`;
    notes.add(statement, { code: "statement-ignored", message });
    return draft;
  };
  const subject = { type: "header", name: field, elements: false } as const;
  const isThere = { subject, operator: "present", values: [], ignoreCase: false } as const;
  return { where: { kind: "test", test: isThere }, change };
}

/** `replace-header` of responses, and `replace-value`, which looks at each element of a list. */
export function replaceInPlace(
  statement: Statement,
  end: number,
  direction: Direction,
  notes: Notes,
  match?: ResponseMatch,
): (situation: Situation) => Draft {
  const action = wordAt(statement, 1);
  const [pattern, format] = [wordAt(statement, 3), wordAt(statement, 4)];
  if (end !== 5) invalid(`expected \`${action} <name> <regex> <format>\``);
  const name = readName(statement);
  const substitution = substitutionOf(format);
  if (substitution === undefined) {
    const message =
      "the replacement depends on the request beyond the expression's groups, so the header is left as it is";
    notes.add(statement, { code: "statement-ignored", message });
    return ({ draft }) => draft;
  }
  const { replaceRegexMatch } = regexReplacement(wholeMatch(pattern), substitution);
  const replacement = { replaceRegexMatch, elements: action === "replace-value" };
  if (direction === "after") {
    const message = "in responses that are made here the header is left as it is";
    notes.add(statement, { code: "statement-approximated", message });
  }
  return ({ draft }) => {
    const edit = (edits: HeaderEdits): HeaderEdits => replaceInHeader(edits, name, replacement);
    if (direction !== "request") {
      return withResponseHeader(draft, { direction: "response", match }, name.toLowerCase(), edit, true);
    }
    if (isReplaceable(draft.requestHeaders, name) && name.toLowerCase() !== "host") {
      return withHeader(draft, { direction }, name, undefined, edit);
    }
    const message = `${name} is left as it is: it cannot be replaced here after another change`;
    notes.add(statement, { code: "statement-ignored", message });
    return draft;
  };
}

/** Word 2. */
function readName(statement: Statement): string {
  const name = wordAt(statement, 2);
  return headerNameSchema.safeParse(name).success
    ? name
    : invalid(`${JSON.stringify(name)} is no name of a header`, { word: statement.words[2] });
}

/** Which messages a header is changed of. */
interface Place {
  readonly direction: Direction;
  /** Of responses. Absent: every one. */
  readonly match?: ResponseMatch | undefined;
}

function withHeader(
  draft: Draft,
  place: Place,
  name: string,
  value: Change,
  edit: (edits: HeaderEdits) => HeaderEdits,
): Draft {
  if (place.direction !== "request") return withResponseHeader(draft, place, name.toLowerCase(), edit);
  const changes = new Map(draft.changes).set(`header:${name.toLowerCase()}`, value);
  return { ...draft, requestHeaders: edit(draft.requestHeaders), changes };
}

function withResponseHeader(
  draft: Draft,
  { direction, match }: Place,
  name: string,
  edit: (edits: HeaderEdits) => HeaderEdits,
  isReplacing = false,
): Draft {
  const isAfter = direction === "after" && match === undefined;
  const changes = withoutReaders(draft.changes, name);
  const both = { ...draft, changes, ...(isAfter && { afterHeaders: edit(draft.afterHeaders) }) };
  const made = edit(noEdits);
  const later: LaterHeader = {
    name,
    match,
    edits: made,
    reads: [...headersRead(match), ...valuesRead(made)],
  };
  // What follows a change that may not have been made, or looks at what others have made, is not folded into what precedes it.
  const isLater =
    match !== undefined ||
    later.reads.length > 0 ||
    draft.laterHeaders.some((before) => before.name === name || before.reads.includes(name)) ||
    (isReplacing && !isReplaceable(draft.responseHeaders, name));
  if (isLater) return { ...both, laterHeaders: [...draft.laterHeaders, later] };
  return { ...both, responseHeaders: edit(draft.responseHeaders) };
}

/** Variables that hold what a header of the response was are not known any more once it changes. */
function withoutReaders(changes: Changes, name: string): Changes {
  const kept = [...changes].map(([key, change]) => {
    const isReader = typeof change === "object" && change && responseHeadersIn(change.parts).includes(name);
    return [key, isReader ? undefined : change] as const;
  });
  return new Map(kept);
}

function withHost(draft: Draft, value: string): Draft {
  const hostname = value.replace(/:[0-9]+$/, "");
  return { ...draft, hostname, changes: new Map(draft.changes).set("host", value) };
}

/** The Host in small letters, in which hosts are compared anyway; servers get it as the client has written it. */
function isOwnHost(parts: RequestText | undefined): boolean {
  return JSON.stringify(parts) === JSON.stringify([{ from: "Host", transforms: [{ type: "Lower" }] }]);
}

/** A value that differs from request to request. The client's own header is not let through in its place. */
function dynamicValue(statement: Statement, place: Place, situation: Situation, notes: Notes): Draft {
  const { direction } = place;
  const { draft } = situation;
  const name = wordAt(statement, 2);
  const pieces = resolveFormat(wordAt(statement, 3), situation);
  const [only] = pieces;
  const own = forwarded.get(name.toLowerCase());
  if (
    direction === "request" &&
    pieces.length === 1 &&
    only?.kind === "dynamic" &&
    own?.test(only.expression)
  ) {
    const parts = textOfPieces(pieces, situation);
    const key = `header:${name.toLowerCase()}`;
    return { ...draft, changes: new Map(draft.changes).set(key, parts && { type: "text", parts }) };
  }
  if (direction === "request" && name.toLowerCase() === "host") {
    if (isOwnHost(valueOf(pieces, situation)?.parts)) return situation.draft;
    throw new StatementProblem({
      code: "statement-unsupported",
      message: "the new Host depends on the request",
      remedy: "Write a static name, or one rule per name.",
    });
  }
  const isSetting = wordAt(statement, 1) === "set-header";
  const value = valueOf(pieces, situation);
  if (value) {
    const edit = isSetting ? setHeader : addHeader;
    const parts = value.parts ?? [{ from: value.from! }];
    const after = isSetting ? ({ type: "text", parts, missingIsEmpty: true } as const) : undefined;
    return withHeader(draft, place, name, after, (edits) => edit(edits, name, value));
  }
  const isSet = isSetting && direction === "request";
  notes.add(statement, {
    code: "statement-ignored",
    message: isSet
      ? `the value depends on the request, so the header is not set; a client's own ${name} is removed`
      : "the value depends on the request, so the header is not written",
    remedy:
      "The client's address, scheme and host are in Forwarded and X-Forwarded-For, -Proto and -Host anyway.",
  });
  if (!isSet) return draft;
  return withHeader(draft, place, name, undefined, (edits) => deleteHeader(edits, name));
}

/** What of the request the value is made from; `undefined`: it cannot be had here. */
function valueOf(pieces: readonly Piece[], situation: Situation): RequestValue | undefined {
  const parts = textOfPieces(pieces, situation);
  if (!parts) return undefined;
  const [only] = parts;
  const fact = requestFactSchema.safeParse(parts.length === 1 && !only?.transforms ? only?.from : undefined);
  return fact.success ? { from: fact.data } : { parts };
}
