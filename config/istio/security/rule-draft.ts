// One authorization rule of the model while its conditions are put together: each kind of condition can stand in it once.
import type { RuleInput } from "../http/match.ts";
import { unsupported, type Place } from "../../kubernetes/field-notes.ts";

type Authorization = NonNullable<NonNullable<RuleInput["securityPolicy"]>["authorization"]>;
export type AuthorizationRule = NonNullable<Authorization["rules"]>[number];
export type Principal = NonNullable<AuthorizationRule["principal"]>;
export type Operation = NonNullable<AuthorizationRule["operation"]>;

export interface RuleDraft {
  readonly principal: Principal;
  readonly operation: Operation;
  /** Some condition can hold for no request here: the rule never matches. */
  isVoid: boolean;
}

export function createDraft(): RuleDraft {
  return { principal: {}, operation: {}, isVoid: false };
}

/** A second condition of one kind would have to hold, too, which the model cannot say. */
export function putPrincipal<Key extends keyof Principal>(
  { principal }: RuleDraft,
  key: Key,
  value: Principal[Key],
  place: Place,
): void {
  if (principal[key] === undefined) principal[key] = value;
  else refuseSecond(key, place);
}

export function putOperation<Key extends keyof Operation>(
  { operation }: RuleDraft,
  key: Key,
  value: Operation[Key],
  place: Place,
): void {
  if (operation[key] === undefined) operation[key] = value;
  else refuseSecond(key, place);
}

/** Headers and claims: one condition for each name. */
export function putValues(
  { principal }: RuleDraft,
  key: "headers" | "notHeaders" | "notClaims",
  value: { readonly name: string; readonly values: string[] },
  place: Place,
): void {
  const list = principal[key] ?? [];
  if (list.some(({ name }) => name.toLowerCase() === value.name.toLowerCase()))
    refuseSecond(value.name, place);
  else principal[key] = [...list, { ...value }];
}

export function putClaim(
  { principal }: RuleDraft,
  value: { readonly name: string; readonly values: string[] },
  place: Place,
): void {
  const claims = principal.jwt?.claims ?? [];
  if (claims.some(({ name }) => name === value.name)) refuseSecond(value.name, place);
  else principal.jwt = { claims: [...claims, { ...value }] };
}

function refuseSecond(what: string, place: Place): void {
  const message = `the rule already has a condition on ${what}, and a second one cannot hold beside it`;
  unsupported(place, message, "Write one condition, or policies of their own.");
}
