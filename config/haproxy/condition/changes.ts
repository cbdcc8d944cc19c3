// What is known where a rule stands: the listener and the hosts that its requests are for, and what earlier rules have made of
// them.
import type { RequestText } from "#contract/request-text.ts";
import type { Condition, Subject, Test, TextSubject } from "./condition.ts";
import type { CounterRead } from "./counter-read.ts";
import type { HostClass } from "./host-class.ts";

/** What is known of the requests before any arrives. */
export interface Surroundings {
  /** `port` absent: each connection says by the PROXY protocol what it is for. */
  readonly listener: { readonly tls: boolean; readonly port: number | undefined };
  readonly host: HostClass;
  /** Name of the section that requests come in by. Absent: of any. */
  readonly frontend?: string;
}

/** The new text of a part of the request, or what it is put together from; `null`: taken away; `undefined`: not known here. */
export type Change = string | TextSubject | null | undefined;
export type Changes = ReadonlyMap<string, Change>;

/** What variables were made of that are no known texts: sample expressions of the request as it came in. */
export type Sources = ReadonlyMap<string, string>;

/** What counters say to the requests of one way through a program. Both throw `StatementProblem`. */
export interface CounterTexts {
  /** The test of a counter as one of a text, or what it comes to. */
  conditionOf(read: CounterRead, test: Test, at: Standpoint): Condition;
  /** Empty: nothing is tracked. */
  textOf(read: CounterRead, at: Standpoint): RequestText;
}

/** Where an expression stands. */
export interface Standpoint {
  readonly surroundings: Surroundings;
  readonly draft: {
    readonly changes: Changes;
    readonly sources: Sources;
    /** Absent: nothing is counted. */
    readonly counted?: CounterTexts;
    /** The backend that was entered. */
    readonly backend?: string;
  };
  /** Absent: requests. */
  readonly message?: "response";
}

/** Key of a subject in {@link Changes}. */
export function subjectKey(subject: Subject): string {
  if (subject.type === "credentials")
    return [subject.type, subject.list, ...(subject.groups ?? [])].join(":");
  if ("name" in subject) return `${subject.type}:${subject.name}`;
  return subject.type;
}

/** Key of the status that rules give every response, for those who write it. */
export const responseStatusKey = "response-status";
