// RequestAuthentications → issuers of tokens. A request without a token passes; one with a token that none of them has
// issued does not.
import { remoteUriSchema } from "#contract/remote-uri.ts";
import { publicJwkSchema } from "#contract/security-policy.ts";
import type { Notes } from "../../kubernetes/notes.ts";
import type { RuleInput } from "../http/match.ts";
import type { JwtRule, RequestAuthentication } from "../kinds/security.ts";
import { at, ignored, invalid, unsupported, type Place } from "../notes.ts";

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
    const keys = readKeys(rule.jwks, at(place, "jwks"));
    return keys.length === 0 ? undefined : { localJWKS: { keys } };
  }
  if (uri) return { remoteJWKS: { uri } };
  // OpenID Connect Discovery (`JwksResolver.GetPublicKey`).
  if (remoteUriSchema.safeParse(rule.issuer).success)
    return { remoteJWKS: { uri: rule.issuer!, discovery: true } };
  const message = "the issuer is no URL, so it cannot be asked where its keys are";
  invalid(at(place, "issuer"), message, "Write jwks or jwksUri.");
  return undefined;
}

type Key = NonNullable<Provider["localJWKS"]>["keys"][number];

/** Further members of a key have no meaning (RFC 7517 §4); keys of other kinds are left out. */
function readKeys(text: string, place: Place): Key[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    invalid(place, "not a JSON Web Key Set");
    return [];
  }
  const keys = (value as { keys?: unknown } | null)?.keys;
  const known = Object.keys(publicJwkSchema.shape);
  const found = (Array.isArray(keys) ? keys : []).flatMap((key: unknown): Key[] => {
    if (key === null || typeof key !== "object") return [];
    const parsed = publicJwkSchema.safeParse(
      Object.fromEntries(Object.entries(key).filter(([name]) => known.includes(name))),
    );
    return parsed.success ? [parsed.data] : [];
  });
  if (found.length === 0) invalid(place, "expected a key set with public keys of kind RSA, EC or OKP");
  return found;
}
