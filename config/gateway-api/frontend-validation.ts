// Certificates of clients (GEP-91, GatewaySpec `tls.frontend`): which authorities a listener believes.
import { configMapKind } from "../kubernetes/core-kinds.ts";
import type { ListenerInput } from "../kubernetes/model-parts.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { Problem } from "./condition.ts";
import type { ListenerContext } from "./listener.ts";
import type { Gateway, ListenerSpec } from "./schema/gateway-kinds.ts";

export type FrontendValidation = NonNullable<NonNullable<ListenerInput["tls"]>["frontendValidation"]>;
type Validation = NonNullable<
  NonNullable<NonNullable<Gateway["body"]["spec"]["tls"]>["frontend"]>["default"]["validation"]
>;
type CertificateRef = Validation["caCertificateRefs"][number];

export interface FrontendResult {
  readonly validation?: FrontendValidation;
  /** Against `ResolvedRefs`. */
  readonly unresolved?: Problem;
  /** Against `Accepted`: without an authority nobody could be told from anybody. */
  readonly refused?: Problem;
}

/** Those of the port, or else the default; for HTTPS listeners. */
export function readFrontendValidation(
  gateway: Gateway,
  { protocol, port }: ListenerSpec,
  context: ListenerContext,
): FrontendResult {
  const frontend = gateway.body.spec.tls?.frontend;
  if (!frontend || protocol !== "HTTPS") return {};
  const ofPort = frontend.perPort.find((one) => one.port === port);
  const wanted = (ofPort?.tls ?? frontend.default).validation;
  if (!wanted) return {};
  const read = wanted.caCertificateRefs.map((ref) => readAuthority(gateway, ref, context));
  const authorities = read.filter((one) => typeof one === "string");
  const unresolved = read.find((one) => typeof one !== "string");
  if (authorities.length === 0) {
    const message = `clients could not be told from each other: ${unresolved!.message}`;
    return { unresolved: unresolved!, refused: { reason: "NoValidCACertificate", message } };
  }
  return {
    validation: { mode: wanted.mode ?? "AllowValidOnly", caCertificates: authorities.join("\n") },
    ...(unresolved && { unresolved }),
  };
}

function readAuthority(
  gateway: Gateway,
  ref: CertificateRef,
  { set, grants }: ListenerContext,
): string | Problem {
  const { group, kind, name, namespace = gateway.namespace } = ref;
  const configMap = `${kind} ${qualifiedName({ namespace, name })}`;
  if (group !== "" || kind !== "ConfigMap") {
    const message = `authorities are read from ConfigMaps, not from ${kind}`;
    return { reason: "InvalidCACertificateKind", message };
  }
  const from = { group: gateway.object.group, kind: gateway.object.kind, namespace: gateway.namespace };
  if (!grants.permit(from, { group, kind, namespace, name })) {
    return {
      reason: "RefNotPermitted",
      message: `no ReferenceGrant in ${namespace} lets this refer to ${configMap}`,
    };
  }
  const certificate = set.get(configMapKind, namespace, name)?.body.data?.["ca.crt"];
  if (certificate?.includes("-----BEGIN CERTIFICATE-----")) return certificate;
  return {
    reason: "InvalidCACertificateRef",
    message: `there is no ${configMap} with certificates in ca.crt`,
  };
}
