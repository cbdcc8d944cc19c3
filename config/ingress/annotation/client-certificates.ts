// `auth-tls-*`: certificates that clients of a host have to show.
import { patternError } from "#contract/pattern/parse-pattern.ts";
import { remoteUriSchema } from "#contract/remote-uri.ts";
import { secretText } from "../../kubernetes/certificates.ts";
import type { ListenerInput } from "../../kubernetes/model-parts.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { Ingress } from "../kinds.ts";
import type { SecurityPolicyInput } from "../rule-parts.ts";
import { findSecret } from "./access.ts";
import type { Annotations } from "./annotations.ts";

type Tls = NonNullable<ListenerInput["tls"]>;
type Policy = NonNullable<SecurityPolicyInput["clientCertificate"]>;

export interface ClientCertificates {
  /** Of the listener: the handshake lets everyone in, since nginx answers those without a certificate. */
  readonly validation: NonNullable<Tls["frontendValidation"]>;
  /** Of all rules of the host. */
  readonly policies: { readonly https: Policy; readonly http: Policy };
}

const modes = {
  on: "AllowValidOnly",
  optional: "AllowValidOrNone",
  optional_no_ca: "AllowInsecureFallback",
} as const;

export function readClientCertificates(
  ingress: Ingress,
  annotations: Annotations,
  set: ResourceSet,
): ClientCertificates | undefined {
  if (annotations.text("auth-tls-secret") === undefined) return undefined;
  const verify =
    annotations.word("auth-tls-verify-client", ["on", "off", "optional", "optional_no_ca"]) ?? "on";
  if (verify === "off") return undefined;
  const secret = findSecret("auth-tls-secret", ingress, annotations, set);
  if (!secret) return undefined;
  const caCertificates = secretText(secret, "ca.crt");
  if (!caCertificates?.includes("-----BEGIN CERTIFICATE-----")) {
    annotations.missing("auth-tls-secret", "the Secret has no authorities in ca.crt, so everyone could pass");
    return undefined;
  }
  const crls = secretText(secret, "ca.crl");
  const subject = readSubject(annotations);
  const redirect = readErrorPage(annotations);
  const passes = annotations.flag("auth-tls-pass-certificate-to-upstream") ?? false;
  const told = {
    ...(passes && { certificate: "ssl-client-cert" }),
    verification: "ssl-client-verify",
    subject: "ssl-client-subject-dn",
    issuer: "ssl-client-issuer-dn",
  };
  const asked = { ...(subject !== undefined && { subject }), headers: told };
  return {
    validation: {
      mode: "AllowInsecureFallback",
      caCertificates,
      ...(crls !== undefined && { crls }),
    },
    policies: {
      https: { mode: modes[verify], ...(redirect !== undefined && { redirect }), ...asked },
      // Without TLS nobody has a name, and nginx compares all the same; nor may anybody write the headers.
      http: { mode: "AllowInsecureFallback", ...asked },
    },
  };
}

/** An expression of PCRE, which is searched for in the whole name: `CN=web,O=Example`. */
function readSubject(annotations: Annotations): string | undefined {
  const text = annotations.text("auth-tls-match-cn");
  if (text === undefined) return undefined;
  if (!text.startsWith("CN=")) {
    annotations.invalid("auth-tls-match-cn", "an expression that begins with CN=");
    return undefined;
  }
  const whole = `.*(?:${text}).*`;
  const problem = patternError(whole);
  if (problem === undefined) return whole;
  annotations.unsupported("auth-tls-match-cn", `not possible in linear time: ${problem}`);
  return undefined;
}

function readErrorPage(annotations: Annotations): string | undefined {
  const url = annotations.text("auth-tls-error-page");
  if (url === undefined) return undefined;
  if (remoteUriSchema.safeParse(url).success && !url.includes("$")) return url;
  annotations.unsupported(
    "auth-tls-error-page",
    "clients can be sent to an http or https URL without variables",
  );
  return undefined;
}
