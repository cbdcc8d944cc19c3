// All conformance tests, in the order of the report.
import { clientCertificates } from "./client-certificates.ts";
import type { ConformanceTest } from "./conformance-test.ts";
import { grpcRoute } from "./grpc-route.ts";
import { httpRouteCore } from "./http-route-core.ts";
import { httpRouteExtended } from "./http-route-extended.ts";
import { httpRouteReferences } from "./http-route-references.ts";
import { httpRouteTraffic } from "./http-route-traffic.ts";

export const conformanceTests: readonly ConformanceTest[] = [
  ...httpRouteCore,
  ...httpRouteReferences,
  ...httpRouteExtended,
  ...httpRouteTraffic,
  ...grpcRoute,
  ...clientCertificates,
];
