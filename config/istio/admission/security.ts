// Security policies: `ValidateAuthorizationPolicy`, `ValidateRequestAuthentication`, `ValidatePeerAuthentication`. That rules
// say something at all is with `security/rule-shape.ts`.
import { headerNameSchema } from "#contract/http-field.ts";
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type {
  AuthorizationPolicy,
  AuthorizationRuleBody,
  JwtRule,
  PeerAuthentication,
  RequestAuthentication,
} from "../kinds/security.ts";
import { admitLabels } from "./values.ts";

type Spec<T extends { body: { spec?: unknown } }> = NonNullable<T["body"]["spec"]>;
type Scope = Pick<Spec<RequestAuthentication>, "selector" | "targetRef" | "targetRefs">;

function admitScope({ selector, targetRef, targetRefs = [] }: Scope, place: Place): void {
  admitLabels(selector?.matchLabels, at(place, "selector", "matchLabels"));
  const given = [selector, targetRef, targetRefs.length > 0 ? targetRefs : undefined];
  if (given.filter((one) => one !== undefined).length > 1)
    invalid(place, "expected selector, targetRef or targetRefs, one of them");
}

export function admitAuthorizationPolicy(spec: Partial<Spec<AuthorizationPolicy>>, place: Place): void {
  const { action = "ALLOW", provider, rules } = spec;
  admitScope(spec, place);
  if (provider && action !== "CUSTOM")
    invalid(at(place, "provider"), `${action} asks nobody`, "Write action: CUSTOM, or remove provider.");
  for (const [index, rule] of (rules ?? []).entries()) admitRule(rule, at(place, "rules", index));
}

function admitRule({ from, to, when }: AuthorizationRuleBody, place: Place): void {
  for (const [index, { source }] of (from ?? []).entries()) {
    const own = at(place, "from", index, "source");
    admitTexts(source, own);
    const { serviceAccounts, notServiceAccounts, namespaces, notNamespaces, principals, notPrincipals } =
      source;
    if (
      (serviceAccounts ?? notServiceAccounts) &&
      (namespaces ?? notNamespaces ?? principals ?? notPrincipals)
    )
      invalid(own, "service accounts do not stand beside namespaces or principals", "Write one of them.");
  }
  for (const [index, { operation }] of (to ?? []).entries())
    admitTexts(operation, at(place, "to", index, "operation"));
  for (const [index, { values, notValues }] of (when ?? []).entries())
    admitTexts({ values, notValues }, at(place, "when", index));
}

function admitTexts(lists: Readonly<Record<string, readonly string[] | undefined>>, place: Place): void {
  for (const [field, texts] of Object.entries(lists)) {
    const index = texts?.indexOf("") ?? -1;
    if (index >= 0) invalid(at(place, field, index), "expected a value; it is empty");
  }
}

export function admitRequestAuthentication(spec: Spec<RequestAuthentication>, place: Place): void {
  admitScope(spec, place);
  for (const [index, rule] of (spec.jwtRules ?? []).entries())
    admitJwtRule(rule, at(place, "jwtRules", index));
}

function admitJwtRule(rule: JwtRule, place: Place): void {
  const { issuer, jwksUri, jwks_uri: older, audiences, fromParams, fromCookies, spaceDelimitedClaims } = rule;
  const uri = jwksUri ?? older;
  if (!issuer && !uri) invalid(place, "expected an issuer or a jwksUri");
  if (uri && !isHttpUrl(uri))
    invalid(at(place, jwksUri ? "jwksUri" : "jwks_uri"), "expected an http or https URL");
  admitTexts({ audiences, fromParams, fromCookies, spaceDelimitedClaims }, place);
  for (const [index, { header, claim }] of (rule.outputClaimToHeaders ?? []).entries()) {
    const own = at(place, "outputClaimToHeaders", index);
    if (!headerNameSchema.safeParse(header).success)
      invalid(at(own, "header"), "expected a name of a header");
    if (claim === "") invalid(at(own, "claim"), "expected a name of a claim");
  }
}

function isHttpUrl(text: string): boolean {
  return /^https?:\/\/[^\s\\]+$/i.test(text) && URL.canParse(text);
}

export function admitPeerAuthentication(spec: Spec<PeerAuthentication>, place: Place): void {
  const { selector, portLevelMtls } = spec;
  admitLabels(selector?.matchLabels, at(place, "selector", "matchLabels"));
  if (!portLevelMtls) return;
  const own = at(place, "portLevelMtls");
  const ports = Object.keys(portLevelMtls);
  if (ports.length === 0) invalid(own, "expected a port");
  else if (!selector?.matchLabels)
    invalid(own, "ports are those of selected workloads", "Write a selector, or mtls for all ports.");
  for (const port of ports) {
    if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65_535)
      invalid(at(own, port), "expected the number of a port");
  }
}
