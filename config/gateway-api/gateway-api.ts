// The importer of the Gateway API (gateway.networking.k8s.io): its kinds, and how their objects become one model.
import type { ImportContext, Importer } from "../kubernetes/importer.ts";
import { createBackendTlsPolicies } from "./backend-tls-policies.ts";
import { createBackendTrafficPolicies } from "./backend-traffic-policies.ts";
import type { Extended, Extension } from "./extension.ts";
import { usableAddresses } from "./gateway-addresses.ts";
import { addGatewayStatuses } from "./gateway-status.ts";
import { readGateways } from "./gateways.ts";
import { hostnamesOf, isProgrammed, type Listener } from "./listener.ts";
import { createReachedServices } from "./reached-services.ts";
import { createReferenceGrants } from "./reference-grants.ts";
import { translateRoutes } from "./routes.ts";
import { gatewayClassKind, gatewayKind, listenerSetKind, xListenerSetKind } from "./schema/gateway-kinds.ts";
import {
  backendTlsPolicyKind,
  referenceGrantKind,
  xBackendTrafficPolicyKind,
} from "./schema/policy-kinds.ts";
import {
  grpcRouteKind,
  httpRouteKind,
  tcpRouteKind,
  tlsRouteKind,
  udpRouteKind,
} from "./schema/route-kinds.ts";
import { noteUnsupported } from "./unsupported.ts";

/** `extension`: kinds of an implementation that stand beside those of the standard. */
export function createGatewayApi(extension: Extension): Importer {
  return {
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
      xBackendTrafficPolicyKind,
      ...extension.kinds,
    ],
    translate: (context) => translateGatewayApi(context, extension),
  };
}

function translateGatewayApi(context: ImportContext, extension: Extension): void {
  const { set, notes } = context;
  const grants = createReferenceGrants(set);
  const reached = createReachedServices();
  const policies = createBackendTlsPolicies(context, reached);
  const traffic = createBackendTrafficPolicies(context, reached);
  const gateways = readGateways(set, notes, { set, grants });
  const extended = extension.read({ ...context, gateways, grants, policies });
  const owners = [...gateways.gateways, ...gateways.listenerSets].filter(({ refused }) => !refused);
  const served = new Set(
    owners.flatMap(({ listeners }) =>
      listeners.filter((one) => isProgrammed(one, gateways.conflicts) && !extended.isClosed(one)),
    ),
  );
  const found = translateRoutes(context, { gateways, grants, policies, traffic, reached, extended, served });
  for (const [listener, shared] of Map.groupBy(served, gateways.servedAs)) {
    addListener(context, listener, shared, found.http2Listeners.has(listener), extended);
  }
  for (const { object } of gateways.gateways) noteUnsupported(object, notes);
  policies.addStatuses();
  traffic.addStatuses();
  extended.finish();
  addGatewayStatuses(context, gateways, found.attachedRoutes, grants);
}

/** `shared`: the listeners that are one in the model, this one included. */
function addListener(
  { parts }: ImportContext,
  listener: Listener,
  shared: readonly Listener[],
  speaksHttp2: boolean,
  extended: Extended,
): void {
  const { id, spec, gateway, field, frontendValidation } = listener;
  const { tls: ofPolicy, ...others } = extended.ofListener(listener);
  const frontend = { ...(frontendValidation && { frontendValidation }), ...ofPolicy };
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
      ...others,
    },
    field,
  );
}
