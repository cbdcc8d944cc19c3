// The importer of the Gateway API (gateway.networking.k8s.io): its kinds, and how their objects become one model.
import type { ImportContext, Importer } from "../kubernetes/importer.ts";
import { createBackendTlsPolicies } from "./backend-tls-policies.ts";
import { usableAddresses } from "./gateway-addresses.ts";
import { addGatewayStatuses } from "./gateway-status.ts";
import { readGateways } from "./gateways.ts";
import { hostnamesOf, isProgrammed, type Listener } from "./listener.ts";
import { createReferenceGrants } from "./reference-grants.ts";
import { translateRoutes } from "./routes.ts";
import { gatewayClassKind, gatewayKind, listenerSetKind, xListenerSetKind } from "./schema/gateway-kinds.ts";
import { backendTlsPolicyKind, referenceGrantKind } from "./schema/policy-kinds.ts";
import {
  grpcRouteKind,
  httpRouteKind,
  tcpRouteKind,
  tlsRouteKind,
  udpRouteKind,
} from "./schema/route-kinds.ts";
import { noteUnsupported } from "./unsupported.ts";

export const gatewayApi: Importer = {
  kinds: [
    gatewayClassKind,
    gatewayKind,
    listenerSetKind,
    xListenerSetKind,
    httpRouteKind,
    grpcRouteKind,
    tcpRouteKind,
    tlsRouteKind,
    udpRouteKind,
    referenceGrantKind,
    backendTlsPolicyKind,
  ],
  translate: (context) => {
    const { set, notes } = context;
    const grants = createReferenceGrants(set);
    const policies = createBackendTlsPolicies(context);
    const gateways = readGateways(set, notes, { set, grants });
    const owners = [...gateways.gateways, ...gateways.listenerSets].filter(({ refused }) => !refused);
    const served = new Set(
      owners.flatMap(({ listeners }) =>
        listeners.filter((listener) => isProgrammed(listener, gateways.conflicts)),
      ),
    );
    const { attachedRoutes, http2Listeners } = translateRoutes(context, gateways, grants, policies, served);
    for (const [listener, shared] of Map.groupBy(served, gateways.servedAs)) {
      addListener(context, listener, shared, http2Listeners.has(listener));
    }
    for (const { object } of gateways.gateways) noteUnsupported(object, notes);
    policies.addStatuses();
    addGatewayStatuses(context, gateways, attachedRoutes, grants);
  },
};

/** `shared`: the listeners that are one in the model, this one included. */
function addListener(
  { parts }: ImportContext,
  listener: Listener,
  shared: readonly Listener[],
  speaksHttp2: boolean,
): void {
  const { id, spec, gateway, field, frontendValidation } = listener;
  const frontend = frontendValidation && { frontendValidation };
  const certificates = shared.flatMap((one) => one.certificates);
  const addresses = usableAddresses(gateway).map(({ value }) => value);
  const isTls = spec.protocol === "HTTPS" || spec.protocol === "TLS";
  parts.addListener(
    {
      name: id,
      protocol: spec.protocol as "HTTP" | "HTTPS" | "TCP" | "TLS",
      port: spec.port,
      ...(addresses.length > 0 && { addresses }),
      // gRPC needs HTTP/2, and so may others whose endpoints speak it; an HTTP listener otherwise does not.
      ...(speaksHttp2 && spec.protocol === "HTTP" && { http2: true }),
      hostnames: hostnamesOf(listener),
      ...(isTls && { tls: { mode: spec.tls?.mode ?? "Terminate", certificates, ...frontend } }),
    },
    field,
  );
}
