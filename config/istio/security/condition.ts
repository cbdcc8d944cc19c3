// `when[]` → conditions on headers, tokens, addresses.
import type { When } from "../kinds/security.ts";
import { at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { putClaim, putValues, type RuleDraft } from "./rule-draft.ts";
import { addIdentities } from "./source.ts";
import { addOperation } from "./operation.ts";

/** Keys that say what a field of the source says. */
const sources = {
  "source.ip": ["ipBlocks", "notIpBlocks"],
  "remote.ip": ["remoteIpBlocks", "notRemoteIpBlocks"],
  "source.namespace": ["namespaces", "notNamespaces"],
  "source.principal": ["principals", "notPrincipals"],
  "source.serviceAccount": ["serviceAccounts", "notServiceAccounts"],
  "source.trustDomain": ["trustDomains", "notTrustDomains"],
  "request.auth.principal": ["requestPrincipals", "notRequestPrincipals"],
} as const;

/** Claims that have keys of their own. */
const claims: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "request.auth.audiences": "aud",
    "request.auth.presenter": "azp",
  }),
);

export function addCondition(
  { key, values = [], notValues = [] }: When,
  namespace: string,
  ports: readonly number[],
  draft: RuleDraft,
  place: Place,
): void {
  if (Object.hasOwn(sources, key)) {
    const [field, opposite] = sources[key as keyof typeof sources];
    if (values.length > 0) addIdentities(field, values, namespace, draft, at(place, "values"));
    if (notValues.length > 0) addIdentities(opposite, notValues, namespace, draft, at(place, "notValues"));
    return;
  }
  const header = /^request\.headers\[([^\]]+)\]$/.exec(key)?.[1];
  if (header !== undefined) {
    if (values.length > 0) putValues(draft, "headers", { name: header, values }, place);
    if (notValues.length > 0) putValues(draft, "notHeaders", { name: header, values: notValues }, place);
    return;
  }
  const claim = claims.get(key) ?? claimOf(key);
  if (claim !== undefined) {
    if (values.length > 0) putClaim(draft, { name: claim, values }, place);
    if (notValues.length > 0) putValues(draft, "notClaims", { name: claim, values: notValues }, place);
    return;
  }
  if (key === "destination.port") {
    addOperation({ ports: values, notPorts: notValues }, ports, draft, place);
    return;
  }
  unsupported(
    at(place, "key"),
    `${JSON.stringify(key)} is not known of a request here`,
    "Write another condition.",
  );
}

/** `request.auth.claims[realm][roles]` → `realm.roles`. */
function claimOf(key: string): string | undefined {
  const found = /^request\.auth\.claims((?:\[[^\]]+\])+)$/.exec(key);
  return found ? found[1]!.slice(1, -1).split("][").join(".") : undefined;
}
