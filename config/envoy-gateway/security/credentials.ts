// `apiKeyAuth`, `basicAuth` and `jwt`: what requests must show, with what the Secrets and ConfigMaps say.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { ExtensionContext, RuleInput } from "../../gateway-api/extension.ts";
import { secretText } from "../../kubernetes/certificates.ts";
import { configMapKind } from "../../kubernetes/core-kinds.ts";
import { readJsonWebKeys } from "../../kubernetes/json-web-keys.ts";
import { qualifiedName, type KubernetesObject } from "../../kubernetes/object.ts";
import { withFields } from "../../with-fields.ts";
import { referredSecret, referredText } from "../referred.ts";
import type { SecuritySpec } from "../schema/security-policy.ts";

type SecurityInput = NonNullable<RuleInput["securityPolicy"]>;
type ApiKeyInput = NonNullable<SecurityInput["apiKeyAuth"]>;
type BasicInput = NonNullable<SecurityInput["basicAuth"]>;
type JwtInput = NonNullable<SecurityInput["jwt"]>;
type Context = Pick<ExtensionContext, "set" | "grants">;

/** Text in place of settings: why nobody can be let in. */
export function apiKeysOf(
  auth: NonNullable<SecuritySpec["apiKeyAuth"]>,
  from: KubernetesObject,
  context: Context,
): ApiKeyInput | string {
  const { credentialRefs, extractFrom, forwardClientIDHeader, sanitize } = auth;
  const bySource = new Map<string, string>();
  for (const ref of credentialRefs) {
    const secret = referredSecret(ref, from, context);
    if (typeof secret === "string") return secret;
    const { data, stringData } = secret.body;
    for (const clientID of Object.keys({ ...data, ...stringData }).toSorted()) {
      const key = secretText(secret, clientID);
      if (!key) return `Secret ${qualifiedName(secret)} has no text in ${clientID}`;
      if (!bySource.has(clientID)) bySource.set(clientID, bytesToHex(sha256(utf8ToBytes(key))));
    }
  }
  if (bySource.size === 0) return "the Secrets have no keys";
  const places = (name: "headers" | "params" | "cookies"): string[] =>
    extractFrom.flatMap((source) => source[name] ?? []);
  return {
    credentials: [...bySource].map(([clientID, hash]) => ({ clientID, sha256: hash })),
    extractFrom: { headers: places("headers"), params: places("params"), cookies: places("cookies") },
    ...withFields({ forwardClientIDHeader, sanitize }),
  };
}

export function passwordsOf(
  { users, forwardUsernameHeader }: NonNullable<SecuritySpec["basicAuth"]>,
  from: KubernetesObject,
  context: Context,
): BasicInput | string {
  const found = referredText({ ...users, kind: "Secret" }, ".htpasswd", from, context);
  if ("problem" in found) return found.problem;
  const lines = found.text.split(/\r?\n/).map((line) => line.trim());
  const named = lines.filter((line) => line !== "");
  if (named.length === 0) return "the Secret has no users in .htpasswd";
  return { users: named, ...withFields({ forwardUsernameHeader }) };
}

export function tokensOf(
  { optional, providers }: NonNullable<SecuritySpec["jwt"]>,
  namespace: string,
  context: Context,
): JwtInput | string {
  const made = providers.map((provider) => providerOf(provider, namespace, context));
  const problem = made.find((one) => typeof one === "string");
  if (problem !== undefined) return problem;
  return { ...withFields({ optional }), providers: made.filter((one) => typeof one !== "string") };
}

type Provider = NonNullable<SecuritySpec["jwt"]>["providers"][number];

function providerOf(
  { name, issuer, audiences, remoteJWKS, localJWKS, claimToHeaders, extractFrom }: Provider,
  namespace: string,
  context: Context,
): JwtInput["providers"][number] | string {
  const keys = localJWKS && localKeys(localJWKS, namespace, context);
  if (typeof keys === "string") return `provider ${name}: ${keys}`;
  const headers = extractFrom?.headers?.map((place) => ({
    name: place.name,
    ...withFields({ valuePrefix: place.valuePrefix }),
  }));
  return {
    name,
    ...withFields({
      issuer,
      audiences,
      claimToHeaders,
      remoteJWKS: remoteJWKS && {
        uri: remoteJWKS.uri,
        ...withFields({ cacheDuration: remoteJWKS.cacheDuration }),
      },
      localJWKS: keys && { keys },
      extractFrom:
        extractFrom && withFields({ headers, params: extractFrom.params, cookies: extractFrom.cookies }),
    }),
    // As Envoy has it: a token without `exp` is good for ever.
    requireExpiration: false,
  };
}

function localKeys(
  { type, inline = "", valueRef }: NonNullable<Provider["localJWKS"]>,
  namespace: string,
  { set }: Context,
): ReturnType<typeof readJsonWebKeys> {
  if (type !== "ValueRef" || !valueRef) return readJsonWebKeys(inline);
  const { name } = valueRef;
  const data = set.get(configMapKind, namespace, name)?.body.data ?? {};
  const text = data["jwks"] ?? Object.values(data)[0];
  if (text !== undefined) return readJsonWebKeys(text);
  return `there is no ConfigMap ${qualifiedName({ namespace, name })} with keys in jwks`;
}
