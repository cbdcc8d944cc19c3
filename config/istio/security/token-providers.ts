// RequestAuthentications → issuers of tokens. A request without a token passes; one with a token that none of them has
// issued does not.
import { remoteUriSchema } from "#contract/remote-uri.ts";
import { readJsonWebKeys } from "../../kubernetes/json-web-keys.ts";
import type { Notes } from "../../kubernetes/notes.ts";
import type { RuleInput } from "../http/match.ts";
import type { JwtRule, RequestAuthentication } from "../kinds/security.ts";
import { at, ignored, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";

type Jwt = NonNullable<NonNullable<RuleInput["securityPolicy"]>["jwt"]>;
export type Provider = Jwt["providers"][number];

export function providersOf(
  { namespace, name, object, body }: RequestAuthentication,
  notes: Notes,
): Provider[] {
  return (body.spec?.jwtRules ?? []).flatMap((rule, index) => {
    const place: Place = { notes, object, path: ["spec", "jwtRules", index] };
    const id = `${namespace}.${name}.${index}`.replace(/[^A-Za-z0-9._-]/g, "-").slice(-63);
    return toProvider(id.replace(/^[^A-Za-z0-9]+/, ""), rule, place);
  });
}

/** `buildSpaceDelimitedClaims`. */
const defaultLists = ["scope", "permission"];

/** None where the keys are not known: the object is in error then. */
function toProvider(name: string, rule: JwtRule, place: Place): Provider[] {
  if (rule.presence === "REQUIRED") {
    const message = "requests without a token would pass, as with OPTIONAL";
    const remedy = 'Write an AuthorizationPolicy that allows requestPrincipals: ["*"].';
    unsupported(at(place, "presence"), message, remedy);
  }
  if (rule.timeout !== undefined)
    ignored(at(place, "timeout"), "keys are fetched within the gateway's own time, and kept");
  const { issuer, audiences = [], outputClaimToHeaders = [] } = rule;
  const keys = keysOf(rule, place);
  if (!keys) return [];
  const provider: Provider = {
    name,
    ...(issuer && { issuer }),
    ...(audiences.length > 0 && { audiences }),
    ...keys,
    extractFrom: placesOf(rule),
    requireExpiration: false,
    spaceDelimitedClaims: [...new Set([...defaultLists, ...(rule.spaceDelimitedClaims ?? [])])],
    ...(rule.outputPayloadToHeader && { forwardPayloadHeader: rule.outputPayloadToHeader }),
    ...(outputClaimToHeaders.length > 0 && {
      claimToHeaders: outputClaimToHeaders.map(({ header, claim }) => ({ header, claim })),
    }),
    forwardOriginalToken: rule.forwardOriginalToken ?? false,
  };
  return [provider];
}

/** Without a place of its own Istio looks in `Authorization: Bearer`, then in the parameter `access_token`. */
function placesOf({
  fromHeaders = [],
  fromParams = [],
  fromCookies = [],
}: JwtRule): NonNullable<Provider["extractFrom"]> {
  if (fromHeaders.length + fromParams.length + fromCookies.length === 0) {
    return { headers: [{ name: "Authorization", valuePrefix: "Bearer " }], params: ["access_token"] };
  }
  return {
    ...(fromHeaders.length > 0 && {
      headers: fromHeaders.map(({ name, prefix }) => ({ name, ...(prefix && { valuePrefix: prefix }) })),
    }),
    ...(fromParams.length > 0 && { params: fromParams }),
    ...(fromCookies.length > 0 && { cookies: fromCookies }),
  };
}

function keysOf(rule: JwtRule, place: Place): Pick<Provider, "remoteJWKS" | "localJWKS"> | undefined {
  const uri = rule.jwksUri ?? rule.jwks_uri;
  if (rule.jwks) {
    const keys = readJsonWebKeys(rule.jwks);
    if (typeof keys !== "string") return { localJWKS: { keys } };
    invalid(at(place, "jwks"), keys);
    return undefined;
  }
  if (uri) return { remoteJWKS: { uri } };
  // OpenID Connect Discovery (`JwksResolver.GetPublicKey`).
  if (remoteUriSchema.safeParse(rule.issuer).success)
    return { remoteJWKS: { uri: rule.issuer!, discovery: true } };
  const message = "the issuer is no URL, so it cannot be asked where its keys are";
  invalid(at(place, "issuer"), message, "Write jwks or jwksUri.");
  return undefined;
}
