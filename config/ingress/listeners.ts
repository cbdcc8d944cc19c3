// The two ports of ingress-nginx, 80 and 443, and the certificates of the latter.
import { agreedCertificates } from "./annotation/client-certificates.ts";
import { certificateOf } from "../kubernetes/certificates.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { ListenerInput } from "../kubernetes/model-parts.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { Source } from "./server.ts";

export const httpListener = "ingress/http";
export const httpsListener = "ingress/https";

type Certificate = NonNullable<NonNullable<ListenerInput["tls"]>["certificates"]>[number];

/**
 * HTTPS is served as soon as one Ingress has a TLS section; then every host answers there, as with ingress-nginx. Names of
 * the listeners.
 */
export function addListeners(sources: readonly Source[], context: ImportContext): string[] {
  const [first] = sources;
  if (!first) return [];
  const origin = fieldOf(first.ingress.object, "spec");
  context.parts.addListener({ name: httpListener, protocol: "HTTP", port: 80 }, origin);
  const clients = agreedCertificates(
    sources
      .filter(({ settings }) => !settings.canary)
      .map(({ settings }) => ({
        annotations: settings.annotations,
        certificates: settings.clientCertificates,
      })),
  );
  const secure = sources.find(({ ingress }) => (ingress.body.spec.tls ?? []).length > 0);
  if (!secure) return [httpListener];
  context.parts.addListener(
    {
      name: httpsListener,
      protocol: "HTTPS",
      port: 443,
      tls: { certificates: certificatesOf(sources, context), ...clients },
    },
    fieldOf(secure.ingress.object, "spec", "tls"),
  );
  return [httpListener, httpsListener];
}

/** Each Secret once. One that cannot be used leaves its hosts to the default certificate, the first. */
function certificatesOf(sources: readonly Source[], { set, notes }: ImportContext): Certificate[] {
  const found = new Map<string, Certificate>();
  for (const { ingress } of sources) {
    for (const [index, { secretName }] of (ingress.body.spec.tls ?? []).entries()) {
      const key = `${ingress.namespace}/${secretName}`;
      if (!secretName || found.has(key)) continue;
      const certificate = certificateOf(set, ingress.namespace, secretName);
      if (typeof certificate !== "string") {
        const { privateKey = "" } = certificate;
        found.set(key, { certificate: certificate.certificate, privateKey });
        continue;
      }
      const field: ObjectField = fieldOf(ingress.object, "spec", "tls", index, "secretName");
      const problem =
        certificate === "secret-unknown" ? "there is no Secret" : "no certificate and key in the Secret";
      notes.add(field, {
        code: "certificate-unresolved",
        message: `${problem} ${JSON.stringify(key)}: its hosts get the default certificate`,
      });
    }
  }
  return [...found.values()];
}
