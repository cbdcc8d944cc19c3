// Who may pass: networks, passwords, another server's word, and how large a body may be.
import { passwordHashProblem } from "#contract/password-hash.ts";
import { secretText } from "../../kubernetes/certificates.ts";
import { secretKind, type Secret } from "../../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { Controller } from "../controller/controller.ts";
import type { Ingress } from "../kinds.ts";
import type { SecurityPolicyInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";
import { readExternalAuth } from "./external-auth.ts";

export interface Access {
  readonly policy: SecurityPolicyInput;
  /** `satisfy: any`: clients of these networks need no credentials, and all others pass with them. */
  readonly withoutCredentials: readonly string[];
  /** Endpoints do not see what was checked here. */
  readonly hidesPassword: boolean;
}

export function readAccess(
  ingress: Ingress,
  annotations: Annotations,
  { settings }: Controller,
  set: ResourceSet,
): Access {
  const basicAuth = readBasicAuth(ingress, annotations, set);
  const asked = readExternalAuth(ingress, annotations, set);
  const bodyBytes = readBodySize(annotations);
  const allow = [
    ...annotations.networks("whitelist-source-range"),
    ...annotations.networks("allowlist-source-range"),
  ];
  const blocked = settings.networks("block-cidrs");
  const limits = bodyBytes === undefined ? {} : { requestLimits: { bodyBytes } };
  const isAny = annotations.word("satisfy", ["any", "all"]) === "any" && (basicAuth ?? asked) !== undefined;
  const extAuth = asked && { ...asked, ...(isAny && basicAuth && { order: "Instead" as const }) };
  const credentials = { ...(basicAuth && { basicAuth }), ...(extAuth && { extAuth }) };
  const deny = isAny ? blocked : [...annotations.networks("denylist-source-range"), ...blocked];
  const isLimited = !isAny && allow.length > 0;
  const clientCIDRs = { ...(isLimited && { allow }), ...(deny.length > 0 && { deny }) };
  return {
    policy: { ...(Object.keys(clientCIDRs).length > 0 && { clientCIDRs }), ...limits, ...credentials },
    withoutCredentials: isAny ? allow : [],
    hidesPassword: basicAuth !== undefined,
  };
}

/** `client_max_body_size`: ingress-nginx sets 1m where nothing is said. 0: no bound. */
function readBodySize(annotations: Annotations): number | undefined {
  const text = annotations.text("proxy-body-size") ?? "1m";
  const [, digits, unit = ""] = /^(\d{1,12})([kKmMgG]?)$/.exec(text) ?? [];
  if (digits === undefined) {
    annotations.invalid("proxy-body-size", "a size such as 8m");
    return undefined;
  }
  const bytes = Number(digits) * 1024 ** ["", "k", "m", "g"].indexOf(unit.toLowerCase());
  return bytes === 0 ? undefined : Math.min(bytes, 1_099_511_627_776);
}

type BasicAuth = NonNullable<SecurityPolicyInput["basicAuth"]>;

function readBasicAuth(ingress: Ingress, annotations: Annotations, set: ResourceSet): BasicAuth | undefined {
  const type = annotations.word("auth-type", ["basic", "digest"]);
  if (type === undefined) return undefined;
  if (type === "digest") {
    annotations.unsupported(
      "auth-type",
      "digest access authentication is not available",
      "Use basic, over TLS.",
    );
    return undefined;
  }
  const secret = findSecret("auth-secret", ingress, annotations, set);
  if (!secret) return undefined;
  const users = linesOf(secret, annotations);
  if (users.length === 0) {
    annotations.missing("auth-secret", "the Secret has no users, so nobody could pass");
    return undefined;
  }
  for (const [index, line] of users.entries()) {
    const problem = passwordHashProblem(line);
    // Never what stands there: it may be the secret itself.
    if (problem !== undefined) annotations.unsupported("auth-secret", `user ${index + 1}: ${problem}`);
  }
  const realm = annotations.text("auth-realm") ?? "Authentication Required";
  if (!/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(realm) || realm.length > 256) {
    annotations.invalid("auth-realm", "printable text without quotes");
    return undefined;
  }
  return { users, realm };
}

/** In `auth`, as htpasswd writes them; or each user as a key with the hash as its value. */
function linesOf(secret: Secret, annotations: Annotations): string[] {
  const isMap = annotations.word("auth-secret-type", ["auth-file", "auth-map"]) === "auth-map";
  if (!isMap) {
    return (secretText(secret, "auth") ?? "")
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
  }
  const names = new Set([
    ...Object.keys(secret.body.data ?? {}),
    ...Object.keys(secret.body.stringData ?? {}),
  ]);
  return [...names].map((name) => `${name}:${(secretText(secret, name) ?? "").trim()}`);
}

/** ingress-nginx takes Secrets of the Ingress's own namespace only, unless it is told otherwise. */
export function findSecret(
  name: string,
  ingress: Ingress,
  annotations: Annotations,
  set: ResourceSet,
): Secret | undefined {
  const text = annotations.text(name);
  const [own = "", namespace = ingress.namespace, ...rest] = (text ?? "").split("/").reverse();
  if (text === undefined || own === "" || rest.length > 0) {
    annotations.missing(name, "expected the name of a Secret");
    return undefined;
  }
  if (namespace !== ingress.namespace) {
    annotations.unsupported(name, `Secrets of other namespaces are not read; found ${JSON.stringify(text)}`);
    return undefined;
  }
  const secret = set.get(secretKind, namespace, own);
  if (!secret) annotations.missing(name, `there is no Secret ${JSON.stringify(`${namespace}/${own}`)}`);
  return secret;
}
