// AuthorizationPolicies with action CUSTOM → the requests that an authorization server is asked about, before all other
// policies.
import type { Notes } from "../../kubernetes/notes.ts";
import type { Destinations } from "../backend/destinations.ts";
import type { AuthorizationPolicy } from "../kinds/security.ts";
import type { MeshConfig } from "../mesh-config.ts";
import { at, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { isDryRun, maxRules, requestsOf } from "./authorization.ts";
import { extAuthOf, type ExtAuth } from "./ext-authz.ts";

export interface Providers {
  readonly mesh: MeshConfig;
  readonly destinations: Destinations;
}

/** By the provider's name. Policies with one provider ask it together. */
export type Questions = ReadonlyMap<string, ExtAuth>;

type Requests = NonNullable<ExtAuth["rules"]>;

export function questionsOf(
  policies: readonly AuthorizationPolicy[],
  ports: readonly number[],
  providers: Providers,
  notes: Notes,
): Questions {
  const custom = policies.filter(({ body }) => body.spec?.action === "CUSTOM");
  const effective = custom.filter((policy) => !isDryRun(policy, notes));
  const questions = new Map<string, ExtAuth>();
  for (const [name, asking] of Map.groupBy(effective, ({ body }) => body.spec?.provider?.name)) {
    for (const policy of asking) noteUnknown(policy, notes);
    const extAuth = extAuthOf(name, providers.mesh, providers.destinations);
    if ("reason" in extAuth) {
      for (const { object } of asking) {
        unsupported({ notes, object, path: ["spec", "provider"] }, extAuth.reason, extAuth.remedy);
      }
      continue;
    }
    const requests = asking.flatMap((policy) => requestsOf(policy, ports, notes));
    if (requests.length === 0) continue;
    const question = withRequests(extAuth, requests);
    questions.set(name!, question);
    if ((question.rules ?? []).length <= maxRules) continue;
    const place: Place = { notes, object: asking[0]!.object, path: ["spec", "rules"] };
    unsupported(place, `the provider ${name} is asked by more than ${maxRules} rules`, "Join them.");
  }
  return questions;
}

/** Those of several places: each must be asked, and the model asks one. */
export function joinQuestions(all: readonly Questions[], place: Place): ExtAuth | undefined {
  const joined = new Map<string, ExtAuth>();
  for (const [name, extAuth] of all.flatMap((questions) => [...questions])) {
    const known = joined.get(name);
    joined.set(name, known ? joinedQuestion(known, extAuth.rules ?? [{}]) : extAuth);
  }
  if (joined.size > 1) {
    const message = `CUSTOM policies ask ${[...joined.keys()].join(" and ")}, and one server can be asked about a request`;
    unsupported(place, message, "Ask one of them, which asks the other.");
  }
  return joined.values().next().value;
}

function joinedQuestion(known: ExtAuth, requests: Requests): ExtAuth {
  return known.rules ? withRequests(known, [...known.rules, ...requests]) : known;
}

/** Without conditions it is every request. */
function withRequests({ rules: _rules, ...extAuth }: ExtAuth, requests: Requests): ExtAuth {
  if (requests.some((request) => Object.keys(request).length === 0)) return extAuth;
  const distinct = new Map(requests.map((request) => [JSON.stringify(request), request]));
  return { ...extAuth, rules: [...distinct.values()] };
}

/** Fields of sources whose values are known only after the server has been asked (`ValidateAuthorizationPolicy`). */
const sourceFields = [
  "principals",
  "requestPrincipals",
  "namespaces",
  "serviceAccounts",
  "trustDomains",
  "notPrincipals",
  "notRequestPrincipals",
  "notNamespaces",
  "notServiceAccounts",
  "notTrustDomains",
] as const;
const conditionKeys = /^(?:source\.(?:namespace|serviceAccount|trustDomain|principal)$|request\.auth\.)/;

function noteUnknown({ object, body }: AuthorizationPolicy, notes: Notes): void {
  const refuse = (place: Place): void => {
    const message = "CUSTOM goes before all authentication and cannot ask for it";
    invalid(place, message, "Ask for it in an ALLOW or DENY policy.");
  };
  for (const [index, { from, when }] of (body.spec?.rules ?? []).entries()) {
    const place: Place = { notes, object, path: ["spec", "rules", index] };
    for (const [position, { source }] of (from ?? []).entries()) {
      for (const field of sourceFields)
        if (source[field]?.length) refuse(at(place, "from", position, "source", field));
    }
    for (const [position, { key }] of (when ?? []).entries()) {
      if (conditionKeys.test(key)) refuse(at(place, "when", position, "key"));
    }
  }
}
