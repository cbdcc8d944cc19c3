// Backend → endpoints of a route that are no Service: names, addresses, and TLS to them.
import type { Problem } from "../gateway-api/condition.ts";
import type { ExtensionBackend, ExtensionContext } from "../gateway-api/extension.ts";
import type { BackendObjectRef } from "../gateway-api/schema/reference.ts";
import { certificateOf } from "../kubernetes/certificates.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { withFields } from "../with-fields.ts";
import { endpointsOf } from "./backend-endpoints.ts";
import { referredText } from "./referred.ts";
import { envoyGroup } from "./schema/common.ts";
import { backendKind, type EnvoyBackend } from "./schema/other-kinds.ts";

type TlsInput = NonNullable<ExtensionBackend["tls"]>;

export function backendOf(
  { group, kind, name }: BackendObjectRef,
  namespace: string,
  context: ExtensionContext,
): ExtensionBackend | Problem | undefined {
  if (group !== envoyGroup || kind !== "Backend") return undefined;
  const backend = context.set.get(backendKind, namespace, name);
  const what = `Backend ${qualifiedName({ namespace, name })}`;
  if (!backend) return { reason: "BackendNotFound", message: `there is no ${what}` };
  const { type, appProtocols = [], fallback = false, tls } = backend.body.spec;
  if (type === "DynamicResolver") {
    return { reason: "UnsupportedValue", message: `${what} would send requests to whatever host they name` };
  }
  const settings = tls && tlsOf(backend, context);
  if (typeof settings === "string") return { reason: "InvalidBackendRef", message: `${what}: ${settings}` };
  return {
    endpoints: endpointsOf(backend),
    isHttp2: appProtocols.includes("gateway.envoyproxy.io/h2c"),
    tls: settings,
    isFallback: fallback,
    field: fieldOf(backend.object, "spec"),
  };
}

/** Text: why endpoints could not be reached as the Backend asks. */
function tlsOf({ object, namespace, body }: EnvoyBackend, context: ExtensionContext): TlsInput | string {
  const { caCertificateRefs = [], wellKnownCACertificates, insecureSkipVerify, sni } = body.spec.tls!;
  const shown = body.spec.tls!.clientCertificateRef;
  const authorities = caCertificateRefs.map((ref) => referredText(ref, "ca.crt", object, context));
  const problem = authorities.find((one) => "problem" in one);
  if (problem) return problem.problem;
  const certificate = shown && certificateOf(context.set, shown.namespace ?? namespace, shown.name);
  if (typeof certificate === "string")
    return `there is no Secret ${shown!.name} with a certificate and its key`;
  const isTrusted = caCertificateRefs.length > 0 && !insecureSkipVerify;
  return {
    ...(isTrusted && {
      caCertificates: authorities.map((one) => ("text" in one ? one.text : "")).join("\n"),
    }),
    ...withFields({
      hostname: sni,
      insecureSkipVerify: insecureSkipVerify || undefined,
      wellKnownCACertificates: isTrusted || insecureSkipVerify ? undefined : wellKnownCACertificates,
      clientCertificate: certificate,
    }),
  };
}
