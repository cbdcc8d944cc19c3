// `canary`: an Ingress whose Services take a part of the requests for the same paths of another one.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import type { MatchInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";

export interface Canary {
  /** Requests that are the canary's, or never, by header or cookie; the first that matches decides. */
  readonly choices: readonly {
    readonly match: Pick<MatchInput, "headers" | "cookies">;
    readonly isCanary: boolean;
  }[];
  readonly weight: number;
  /** Of so many; at least 100. */
  readonly weightTotal: number;
  /** Where the main Ingress has sessions, those whom the canary serves have none (`affinity-canary-behavior`). */
  readonly withoutSessions: boolean;
}

/** The order is ingress-nginx's: header, then cookie, then weight. */
export function readCanary(annotations: Annotations): Canary | undefined {
  const isCanary = annotations.flag("canary") ?? false;
  const weight = annotations.integer("canary-weight") ?? 0;
  const weightTotal = Math.max(100, annotations.integer("canary-weight-total") ?? 100);
  const choices = [...byHeader(annotations), ...byCookie(annotations)];
  const withoutSessions = annotations.word("affinity-canary-behavior", ["sticky", "legacy"]) === "legacy";
  if (isCanary) return { choices, weight: Math.min(weight, weightTotal), weightTotal, withoutSessions };
  if (weight > 0 || choices.length > 0) {
    const name =
      weight > 0 ? "canary-weight" : choices[0]!.match.headers ? "canary-by-header" : "canary-by-cookie";
    annotations.unsupported(name, `without canary: "true" this is no canary`, `Add canary: "true".`);
  }
  return undefined;
}

function byHeader(annotations: Annotations): Canary["choices"] {
  const name = annotations.text("canary-by-header");
  const value = annotations.text("canary-by-header-value");
  const pattern = annotations.text("canary-by-header-pattern");
  if (name === undefined) return [];
  if (!/^[A-Za-z0-9_-]+$/.test(name)) {
    annotations.invalid("canary-by-header", "the name of a header");
    return [];
  }
  if (value !== undefined) return [{ match: { headers: [{ name, value }] }, isCanary: true }];
  if (pattern === undefined) return alwaysAndNever((word) => ({ headers: [{ name, value: word }] }));
  // Like all patterns of PCRE it is searched for.
  const expression = `.*(?:${pattern}).*`;
  const problem = patternError(expression);
  if (problem !== undefined) {
    // PCRE would take look-around, and search with it; what is no expression matches nothing in ingress-nginx, too.
    if (isLookAround(pattern)) {
      annotations.unsupported("canary-by-header-pattern", `not possible in linear time: ${problem}`);
    } else
      annotations.ignored(
        "canary-by-header-pattern",
        `no request is the canary's by it, and none with the header: ${problem}`,
      );
    return [{ match: { headers: [{ type: "RegularExpression", name, value: ".*" }] }, isCanary: false }];
  }
  const match = { headers: [{ type: "RegularExpression" as const, name, value: expression }] };
  return [{ match, isCanary: true }];
}

/** Look-around and back-references, the parts of PCRE that take more than linear time. */
function isLookAround(pattern: string): boolean {
  return /\(\?<?[=!]|\\[1-9k]/.test(pattern);
}

function byCookie(annotations: Annotations): Canary["choices"] {
  const name = annotations.text("canary-by-cookie");
  if (name === undefined) return [];
  if (/^[A-Za-z0-9_.-]+$/.test(name)) return alwaysAndNever((value) => ({ cookies: [{ name, value }] }));
  annotations.invalid("canary-by-cookie", "the name of a cookie");
  return [];
}

function alwaysAndNever(matchOf: (word: string) => Canary["choices"][number]["match"]): Canary["choices"] {
  return [
    { match: matchOf("always"), isCanary: true },
    { match: matchOf("never"), isCanary: false },
  ];
}
