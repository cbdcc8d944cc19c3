// What an HTTP check asks of its answer.
import type { AnswerExpectation } from "#contract/active-health-check.ts";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import type { ProbeResult } from "./active-check.ts";

export interface Answer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** As far as it has been read, `answerChars` at most. */
  readonly body: string;
}

export interface AnswerTest {
  /** Whether it depends on the body, so that this must be read. */
  readonly readsBody: boolean;
  /** Whether more of the body would change nothing. */
  isSettled(answer: Answer): boolean;
  /** `answer`: all that is to come. */
  judge(answer: Answer): ProbeResult;
}

/** As much of a body is looked at. */
export const answerChars = 16 * 1024;

/** Statuses that a message for people lists. */
const listedStatuses = 20;

interface Expectation {
  readonly isOfBody: boolean;
  readonly inverted: boolean;
  isIn(answer: Answer): boolean;
  /** Both for people. */
  readonly subject: string;
  readonly wanted: string;
}

export function compileAnswerTest(http: NonNullable<ActiveHealthCheck["http"]>): AnswerTest {
  const { expectedStatuses, drainStatuses = [], expectedBody, expectedBodyPattern, expectations = [] } = http;
  const statuses = new Set(expectedStatuses);
  const draining = new Set(drainStatuses);
  const tests = [
    ...(expectedBody === undefined ? [] : [{ body: { text: expectedBody } }]),
    ...(expectedBodyPattern === undefined ? [] : [{ body: { pattern: expectedBodyPattern } }]),
    ...expectations,
  ].map(compileExpectation);
  const ofBody = tests.filter(({ isOfBody }) => isOfBody);
  return {
    readsBody: ofBody.length > 0,
    isSettled: (answer) => ofBody.every((test) => test.isIn(answer)),
    judge(answer) {
      const { status } = answer;
      if (draining.has(status)) return { ok: true, drains: true, detail: `status ${status}: no new clients` };
      if (!statuses.has(status)) {
        const named = expectedStatuses.length > listedStatuses ? "another" : expectedStatuses.join(" or ");
        return { ok: false, detail: `status ${status}, expected ${named}` };
      }
      const failed = tests.find((test) => test.isIn(answer) === test.inverted);
      if (!failed) return { ok: true, detail: `status ${status}` };
      const { subject, inverted, wanted } = failed;
      return {
        ok: false,
        detail: `status ${status}, but ${subject} ${inverted ? "has" : "lacks"} ${wanted}`,
      };
    },
  };
}

function compileExpectation({ header, body, invert }: AnswerExpectation): Expectation {
  const inverted = invert === true;
  if (!header) {
    const { text = "", pattern: source } = body!;
    const pattern = source === undefined ? undefined : compilePattern(source);
    return {
      isOfBody: true,
      inverted,
      isIn: ({ body: found }) => found.includes(text) && (pattern?.isIn(found) ?? true),
      subject: "the body",
      wanted: JSON.stringify((text || source || "").slice(0, 64)),
    };
  }
  const name = compilePattern(header.namePattern);
  const value = header.valuePattern === undefined ? undefined : compilePattern(header.valuePattern);
  const valuesOf = (text: string): string[] =>
    header.elements ? text.split(",").map((element) => element.trim()) : [text];
  return {
    isOfBody: false,
    inverted,
    isIn: ({ headers }) =>
      headers.some(
        ([found, text]) =>
          name.test(found) && (value === undefined || valuesOf(text).some((one) => value.test(one))),
      ),
    subject: "the head",
    wanted: JSON.stringify(header.namePattern.slice(0, 64)),
  };
}
