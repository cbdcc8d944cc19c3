// All conformance tests, in the order of the report.
import { backendTlsPolicies } from "./backend-tls-policy.ts";
import { clientCertificates } from "./client-certificates.ts";
import type { ConformanceTest } from "./conformance-test.ts";
import { gateways } from "./gateway.ts";
import { gatewayTls } from "./gateway-tls.ts";
import { grpcRoute } from "./grpc-route.ts";
import { httpRouteCore } from "./http-route-core.ts";
import { httpRouteExtended } from "./http-route-extended.ts";
import { httpRouteReferences } from "./http-route-references.ts";
import { httpRouteTraffic } from "./http-route-traffic.ts";
import { listenerSets } from "./listener-set.ts";
import { listenerSetConflicts } from "./listener-set-conflicts.ts";
import { meshRoutes } from "./mesh.ts";
import { tcpRoutes } from "./tcp-route.ts";
import { tlsRoutes } from "./tls-route.ts";

export const conformanceTests: readonly ConformanceTest[] = [
  ...httpRouteCore,
  ...httpRouteReferences,
  ...httpRouteExtended,
  ...httpRouteTraffic,
  ...grpcRoute,
  ...tlsRoutes,
  ...tcpRoutes,
  ...gateways,
  ...gatewayTls,
  ...clientCertificates,
  ...listenerSets,
  ...listenerSetConflicts,
  ...backendTlsPolicies,
  ...meshRoutes,
];
