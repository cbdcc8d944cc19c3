// The certificate that a Gateway shows to endpoints (GEP-3155, GatewaySpec `tls.backend.clientCertificateRef`).
import { certificateOf, type InlineCertificate } from "../kubernetes/certificates.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { Problem } from "./condition.ts";
import type { ListenerContext } from "./listener.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";

/** Undefined: the Gateway names none. */
export function clientCertificateOf(
  gateway: Gateway,
  { set, grants }: ListenerContext,
): InlineCertificate | Problem | undefined {
  const ref = gateway.body.spec.tls?.backend?.clientCertificateRef;
  if (!ref) return undefined;
  const { group, kind, name, namespace = gateway.namespace } = ref;
  const secret = `${kind} ${qualifiedName({ namespace, name })}`;
  if (group !== "" || kind !== "Secret") {
    const message = `certificates are read from Secrets, not from ${kind}`;
    return { reason: "InvalidClientCertificateRef", message };
  }
  const from = { group: gateway.object.group, kind: gateway.object.kind, namespace: gateway.namespace };
  if (!grants.permit(from, { group, kind, namespace, name })) {
    const message = `no ReferenceGrant in ${namespace} lets this refer to ${secret}`;
    return { reason: "RefNotPermitted", message };
  }
  const found = certificateOf(set, namespace, name);
  if (typeof found !== "string") return found;
  const why = found === "secret-unknown" ? `there is no ${secret}` : `${secret} holds no certificate and key`;
  return { reason: "InvalidClientCertificateRef", message: why };
}
