// `@request.auth.claims` among the headers of a match → conditions on the verified token.
import type { HttpMatch } from "../kinds/virtual-service.ts";
import { at, ignored, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { Exclusion, Match } from "./match.ts";
import { isPresence, valueCondition } from "./string-match.ts";

const header = "@request.auth.claims";

/** `@request.auth.claims.a.b` or `@request.auth.claims[a][b]` → `a.b` (`ToRoutingClaim`); `undefined`: a header. */
export function claimOf(name: string): string | undefined {
  if (name.slice(0, header.length).toLowerCase() !== header) return undefined;
  const rest = name.slice(header.length);
  const nested = /^\[(.+)\]$/.exec(rest)?.[1];
  return nested === undefined ? rest.slice(1) : nested.split("][").join(".");
}

export interface ClaimConditions {
  readonly claims: NonNullable<Match["claims"]>;
  readonly not: readonly Exclusion[];
}

/** `undefined`: no request has a token, and so none can match. */
export function claimConditions(
  match: HttpMatch,
  readsTokens: boolean,
  place: Place,
): ClaimConditions | undefined {
  const wanted = conditionsIn(match, "headers", place);
  const unwanted = conditionsIn(match, "withoutHeaders", place);
  if (wanted.length + unwanted.length === 0) return { claims: [], not: [] };
  if (readsTokens) return { claims: wanted, not: unwanted.map((claim) => ({ claims: [claim] })) };
  const message = "no RequestAuthentication is for the gateway where these requests come in: none has claims";
  ignored(place, message, "Write one for the gateway's workload, in its namespace or in istio-system.");
  return wanted.length > 0 ? undefined : { claims: [], not: [] };
}

function conditionsIn(
  match: HttpMatch,
  field: "headers" | "withoutHeaders",
  place: Place,
): NonNullable<Match["claims"]> {
  return Object.entries(match[field] ?? {}).flatMap(([name, value]) => {
    const claim = claimOf(name);
    if (claim === undefined) return [];
    if (claim === "") invalid(at(place, field, name), `expected a claim, such as ${header}.groups`);
    // Istio's matcher of metadata has no condition that asks whether a value is there.
    if (isPresence(value)) invalid(at(place, field, name), "expected exact, prefix or regex for a claim");
    return [{ name: claim, ...valueCondition(value) }];
  });
}
