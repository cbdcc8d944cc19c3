// `auth-tls-*`: certificates that clients of a host have to show.
import { secretText } from "../../kubernetes/certificates.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { ListenerInput } from "../../kubernetes/model-parts.ts";
import type { Ingress } from "../kinds.ts";
import { findSecret } from "./access.ts";
import type { Annotations } from "./annotations.ts";

type Tls = NonNullable<ListenerInput["tls"]>;
export type ClientCertificates = Pick<Tls, "frontendValidation" | "forwardClientCertificate">;

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
  noteOthers(annotations);
  const passes = annotations.flag("auth-tls-pass-certificate-to-upstream") ?? false;
  return {
    frontendValidation: {
      mode: verify === "on" ? "AllowValidOnly" : "AllowInsecureFallback",
      caCertificates,
      ...(crls !== undefined && { crls }),
    },
    ...(passes && { forwardClientCertificate: true }),
  };
}

function noteOthers(annotations: Annotations): void {
  if (annotations.text("auth-tls-match-cn") !== undefined) {
    annotations.unsupported("auth-tls-match-cn", "names of certificates are not compared with an expression");
  }
  if (annotations.text("auth-tls-error-page") !== undefined) {
    annotations.ignored("auth-tls-error-page", "the handshake fails, so there is nobody to send there");
  }
  if (annotations.flag("auth-tls-pass-certificate-to-upstream")) {
    annotations.approximated(
      "auth-tls-pass-certificate-to-upstream",
      "the certificate is in Client-Cert (RFC 9440), not in ssl-client-cert",
    );
  }
}
