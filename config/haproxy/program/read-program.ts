// Statements of a proxy → its program.
import { standardAnswer } from "../action/answer.ts";
import { headerAction, replaceHeader, replaceInPlace } from "../action/header-action.ts";
import { replacePath, replaceTarget, setPath, setQuery, setTarget } from "../action/path-action.ts";
import type { ReplySources } from "../action/read-reply.ts";
import { redirectAction } from "../action/redirect.ts";
import {
  always,
  and,
  mapTests,
  never,
  not,
  testsOf,
  type Condition,
  type Subject,
} from "../condition/condition.ts";
import { conditionStart, parseCondition, type Scope } from "../condition/parse-condition.ts";
import { subjectKey } from "../condition/changes.ts";
import { isAboutConnections, readConnectionLimits } from "../model/connection-limits.ts";
import { isExpectation, isProxied, readProxySenders, refusePeerTests } from "../model/proxied-binds.ts";
import type { Note, Notes } from "../notes.ts";
import { statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import { admissionCases, isAdmission, isLimit } from "./admission.ts";
import { captureChange, headerCaptures, isCapture } from "./captures.ts";
import type { Counters } from "./counters.ts";
import { apartFromCounting, countingEffect, isCountingAction, trackEffect } from "./counting-steps.ts";
import { readErrorPages } from "./error-pages.ts";
import { forwardedForSteps } from "./forwarded-for.ts";
import { apartFromEachOther, asksForResponse, responseCases } from "./response-cases.ts";
import type { Effect, Program, Situation, Step } from "./program.ts";
import type { RateLimits } from "./rate-table.ts";
import { readScope } from "./scope.ts";
import { monitorSteps } from "./monitor.ts";
import { answerEffect, askForPassword, sizeStep, tarpit } from "./refusals.ts";
import { isRepeatable, responseEffect, seeingStatus, type ResponseKeyword } from "./response-effect.ts";
import { inTurn, serverEffect } from "./server-choice.ts";
import { metricsEffect, statisticsSteps } from "./statistics.ts";
import { statementCases } from "./statement-cases.ts";
import { switchingSteps } from "./switching.ts";
import { isTrack } from "./track.ts";
import { uniqueIdSteps } from "./unique-id.ts";
import { variableChange } from "./variable.ts";
import { usersOf, type UserLists } from "./user-list.ts";

/** What the reading of one proxy's rules needs. */
export interface Reading {
  readonly proxy: Proxy;
  readonly scope: Scope;
  readonly notes: Notes;
  readonly library: Library;
}

/** What the file has for all its proxies. */
export interface Library extends ReplySources {
  /** Names of all backends. */
  readonly backends: ReadonlySet<string>;
  /** Whose stick tables rules may name. */
  readonly tables: ReadonlyMap<string, Proxy>;
  readonly rateLimits: RateLimits;
  readonly counters: Counters;
  /** Whether anything is counted: something asks for it. */
  readonly counts: boolean;
  readonly users: UserLists;
  readonly processVariables: readonly Step[];
  /** Whether a rule asks for what was captured. */
  readonly readsCaptures: boolean;
}

export function readProgram(proxy: Proxy, library: Library, notes: Notes): Program {
  const reading: Reading = { proxy, scope: readScope(proxy, library.files, notes), notes, library };
  const http = stepsOf(reading, "http-request", (statement, end) => requestEffect(statement, end, reading));
  const redirects = stepsOf(reading, "redirect", (statement, end) => ({
    kind: "answer",
    filters: redirectAction(statement, 1, end),
  }));
  const addHeader = (statement: Statement, end: number) => headerAction(statement, end, "request", notes);
  const added = [
    ...forwardedForSteps(proxy, reading.scope, addHeader, notes),
    ...uniqueIdSteps(proxy, addHeader, notes),
  ];
  const tcp = stepsOf(reading, "tcp-request", (statement) => connectionEffect(statement, reading));
  if (isProxied(proxy)) notePeerTests(tcp, notes);
  // What a rule accepts goes on to the rules of the next layer (§4.2 `tcp-request connection`).
  const layers = ["connection", "session", "content"].map((layer) =>
    tcp.filter(({ statement }) => wordAt(statement, 1) === layer),
  );
  // A backend is entered with them.
  const variables = proxy.kind === "backend" ? [] : library.processVariables;
  return {
    heading: proxy.heading,
    proxySenders: readProxySenders(proxy, reading.scope, notes),
    connectionLimits: readConnectionLimits(proxy, {
      scope: reading.scope,
      conditionOf: ({ words }) => parseCondition(words, conditionStart(words, 1), reading.scope),
      tables: library.tables,
      notes,
    }),
    request: [
      variables,
      ...layers,
      library.counts ? [requestBegins(proxy)] : [],
      library.readsCaptures ? headerCaptures(proxy, notes) : [],
      monitorSteps(reading),
      http,
      statisticsSteps(proxy, notes),
      redirects,
      added,
    ],
    switching: proxy.kind === "backend" ? [] : switchingSteps(proxy, reading.scope, library.backends, notes),
    servers: inTurn(stepsOf(reading, "use-server", (statement) => serverEffect(statement, proxy))),
    response: responseSteps(reading, "http-response"),
    afterResponse: responseSteps(reading, "http-after-response"),
    pages: readErrorPages(proxy, library, notes),
  };
}

/** `effect` gets the index behind the action's own words. What cannot be translated is noted and left out. */
function stepsOf(
  reading: Reading,
  keyword: string,
  effect: (statement: Statement, end: number) => Effect,
  { isHarmless = () => false }: { isHarmless?: (statement: Statement) => boolean } = {},
): Step[] {
  const { proxy, scope, notes, library } = reading;
  return statementsOf(proxy, keyword).flatMap((statement) => {
    if (isExpectation(statement)) return [];
    // What is tracked is asked for where a rate is.
    if (!library.counts && (isTrack(statement) || isCountingAction(statement))) {
      if (!isTrack(statement)) notes.add(statement, uncounted);
      return [];
    }
    if (isCapture(statement) && !library.readsCaptures) return [];
    const read = (): Step[] => {
      const start = conditionStart(statement.words, 1);
      const parsed = parseCondition(statement.words, start, scope);
      const end = start < 0 ? statement.words.length : start;
      // Those about connections are the listener's.
      if (!parsed || isAboutConnections(parsed)) return [];
      const { before, condition } = apartFromCounting(statement, parsed);
      if (isAdmission(condition) && !isCounted(statement, condition, reading)) {
        return admissionSteps(statement, end, condition, effect, reading);
      }
      const cases = statementCases(statement, end, scope.files);
      const steps = cases.map((one, index) => {
        const made = effect(one.statement, end);
        return {
          statement: one.statement,
          condition: and([one.condition, condition, whereOf(made)]),
          effect: made,
          others: cases.length - 1 - index,
        };
      });
      return [...before, ...steps];
    };
    return attempt(statement, notes, read, { harmless: isHarmless(statement) }) ?? [];
  });
}

function whereOf(effect: Effect): Condition {
  return (effect.kind === "change" && effect.where) || always;
}

/** Actions that refuse requests. */
const refusals: ReadonlySet<string> = new Set(["deny", "return", "tarpit", "reject", "silent-drop", "auth"]);

/** Whether a condition looks at counters as such: what is refused above a rate is a limit otherwise. */
function isCounted(statement: Statement, condition: Condition, { proxy, scope, library }: Reading): boolean {
  const subjects = testsOf(condition).map(({ subject }) => subject);
  if (subjects.some(({ type }) => type === "counter")) return true;
  const rates = subjects.filter((subject) => subject.type === "rate");
  if (rates.length === 0) return false;
  return (
    !isRefusal(statement) ||
    !rates.every((rate) => library.rateLimits.isPossible(rate, proxy, scope)) ||
    !isLimit(condition)
  );
}

function isRefusal({ words }: Statement): boolean {
  return words.some(({ text }, index) => index > 0 && refusals.has(text));
}

/** A refusal because of who asks, or how often, becomes a policy of what follows. */
function admissionSteps(
  statement: Statement,
  end: number,
  condition: Condition,
  effect: (statement: Statement, end: number) => Effect,
  reading: Reading,
): Step[] {
  if (!isRefusal(statement)) {
    return unsupported("who asks, and how often, can only decide whether a request is refused");
  }
  return admissionCases(condition).map(({ condition: rest, admission }) => {
    if (!admission) return { statement, condition: rest, effect: effect(statement, end) };
    const { subject, values } = admission.test;
    if (subject.type === "body-size") return sizeStep(statement, end, Number(values[0]), rest, reading);
    if (subject.type === "rate") return rateStep(statement, subject, Number(values[0]), rest, reading);
    const { list, groups } = subject.type === "credentials" ? subject : { list: "" };
    const realm = wordAt(statement, 2) === "realm" ? wordAt(statement, 3) : undefined;
    const basicAuth = { users: usersOf(reading.library.users, list, groups), ...(realm && { realm }) };
    const change = ({ draft }: Situation): Situation["draft"] => ({
      ...draft,
      basicAuth,
      // Whoever gets further has shown a password.
      changes: new Map(draft.changes).set(subjectKey(subject), "on"),
    });
    return { statement, condition: rest, effect: { kind: "change", change } };
  });
}

function rateStep(
  statement: Statement,
  subject: Extract<Subject, { type: "rate" }>,
  max: number,
  condition: Condition,
  { proxy, scope, notes, library }: Reading,
): Step {
  const { name, tracked } = library.rateLimits.limit(statement, subject, max, proxy, scope);
  notes.add(statement, {
    code: "statement-approximated",
    message:
      subject.counts === "http_err_rate"
        ? "what is beyond the rate is answered 429, which is no error that counts; others do, from 400 to 499, for requests that this rule is for, and each process of the gateway counts for itself"
        : "what is beyond the rate is answered 429; refused requests do not count, and only those that this rule is for",
  });
  const change = ({ draft }: Situation): Situation["draft"] => ({
    ...draft,
    rateLimits: [...new Set([...draft.rateLimits, name])],
  });
  return { statement, condition: and([condition, tracked]), effect: { kind: "change", change } };
}

function requestEffect(statement: Statement, end: number, reading: Reading): Effect {
  const { notes } = reading;
  const action = wordAt(statement, 1);
  if (isTrack(statement)) return trackEffect(statement, reading.proxy.name);
  if (isCountingAction(statement)) return countingEffect(statement, 1);
  switch (action.replace(/\(.*$/s, "")) {
    case "allow":
      return { kind: "leave" };
    case "deny":
    case "return":
      return answerEffect(statement, end, reading);
    case "auth":
      return askForPassword(statement, reading);
    case "reject":
    case "silent-drop":
      return refusal(statement, notes);
    case "tarpit":
      return tarpit(statement, end, reading);
    case "use-service":
      return metricsEffect(statement, notes);
    case "redirect":
      return { kind: "answer", filters: redirectAction(statement, 2, end) };
    case "set-header":
    case "add-header":
    case "del-header":
      return { kind: "change", change: headerAction(statement, end, "request", notes) };
    case "replace-header":
      return { kind: "change", ...replaceHeader(statement, end, notes) };
    case "replace-value":
      return { kind: "change", change: replaceInPlace(statement, end, "request", notes) };
    case "set-path":
      return { kind: "change", change: setPath(statement, end) };
    case "replace-path":
      return { kind: "change", change: replacePath(statement, end) };
    case "set-query":
      return { kind: "change", change: setQuery(statement, end) };
    case "set-uri":
    case "set-pathq":
      return { kind: "change", change: setTarget(statement, end) };
    case "replace-uri":
    case "replace-pathq":
      return { kind: "change", change: replaceTarget(statement, end) };
    case "capture":
      return { kind: "change", change: captureChange(statement, reading.proxy) };
    case "set-var":
    case "set-var-fmt":
    case "unset-var":
      return { kind: "change", change: variableChange(statement, 1) };
    default:
      return invalid(`${action} is no action`);
  }
}

/** The connection stays: an HTTP gateway answers. */
function refusal(statement: Statement, notes: Notes): Effect {
  const message = "the request is answered 403; its connection is not broken off";
  notes.add(statement, { code: "statement-approximated", message });
  return { kind: "answer", filters: standardAnswer(403) };
}

/** What HAProxy no longer has of the request once the backend has answered: tests of it fail (§7.3.6). */
const requestOnly = new Set(["path", "method", "host", "header", "query-param", "cookie", "text"]);

function responseSteps(reading: Reading, keyword: ResponseKeyword): Step[] {
  const { proxy, notes } = reading;
  const replaces = (statement: Statement): boolean => responseRefusals.has(wordAt(statement, 1));
  const refuses = statementsOf(proxy, keyword).some(replaces);
  const steps = stepsOf(
    reading,
    keyword,
    (statement, end) => responseEffect(statement, end, keyword, reading),
    // What is allowed matters where something is refused.
    { isHarmless: (statement) => !replaces(statement) && !(refuses && wordAt(statement, 1) === "allow") },
  );
  return withoutAllowed(steps.map((step) => withoutRequest(step, notes))).flatMap(({ step, own }) => {
    if (!asksForResponse(step.condition)) return [step];
    const { statement } = step;
    const byResponse = (): Step[] => {
      const cases = responseCases(step.condition);
      const apart = isRepeatable(statement) ? cases : apartFromEachOther(cases);
      const start = conditionStart(statement.words, 1);
      const end = start < 0 ? statement.words.length : start;
      return apart.map(({ condition, match }) => ({
        ...step,
        condition,
        effect: seeingStatus(responseEffect(statement, end, keyword, reading, match), own),
      }));
    };
    return attempt(statement, notes, byResponse, { harmless: !refuses }) ?? [];
  });
}

/** With the condition that it has of its own. */
interface ResponseStep {
  readonly step: Step;
  readonly own: Condition;
}

/** `allow` for some responses: they are not among those of the rules behind it. */
function withoutAllowed(steps: readonly Step[]): ResponseStep[] {
  const kept: ResponseStep[] = [];
  let others: Condition = always;
  for (const step of steps) {
    const { condition: own } = step;
    if (step.effect.kind === "leave" && asksForResponse(own)) {
      others = and([others, not(own)]);
      const effect = seeingStatus({ kind: "change", change: ({ draft }) => draft }, own);
      kept.push({ step: { ...step, condition: always, effect }, own });
    } else kept.push({ step: { ...step, condition: and([others, own]) }, own });
  }
  return kept;
}

const responseRefusals: ReadonlySet<string> = new Set(["deny", "return", "redirect"]);

function withoutRequest(step: Step, notes: Notes): Step {
  if (!testsOf(step.condition).some(({ subject }) => requestOnly.has(subject.type))) return step;
  notes.add(step.statement, {
    code: "statement-approximated",
    message: "HAProxy has nothing of the request at this point, so its tests fail; so they do here",
    remedy: "Test a variable that http-request set-var has set.",
  });
  const condition = mapTests(step.condition, (test) =>
    requestOnly.has(test.subject.type) ? never : { kind: "test", test },
  );
  return { ...step, condition };
}

function notePeerTests(steps: readonly Step[], notes: Notes): void {
  for (const { statement, condition } of steps) {
    if (wordAt(statement, 1) === "connection") attempt(statement, notes, () => refusePeerTests(condition));
  }
}

/** Requests count what has been tracked for them from here on. */
function requestBegins({ heading }: Proxy): Step {
  const change = ({ draft }: Situation): Situation["draft"] =>
    draft.counted ? { ...draft, counted: draft.counted.asRequest() } : draft;
  return { statement: heading, condition: always, effect: { kind: "change", change } };
}

const uncounted: Note = {
  code: "statement-ignored",
  message: "nothing in the file asks for what is counted here",
};

function connectionEffect(statement: Statement, { proxy, notes }: Reading): Effect {
  const action = wordAt(statement, 2);
  if (isTrack(statement)) return trackEffect(statement, proxy.name);
  if (isCountingAction(statement)) {
    if (wordAt(statement, 1) !== "content") {
      const message = "it is counted for each request, rather than for each connection";
      notes.add(statement, { code: "statement-approximated", message });
    }
    return countingEffect(statement, 2);
  }
  if (action === "accept") return { kind: "leave" };
  if (action.includes("set-var")) return { kind: "change", change: variableChange(statement, 2) };
  return { kind: "answer", filters: standardAnswer(403) };
}
