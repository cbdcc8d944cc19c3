// Tests of the suite that have no equivalent here, with the reason: docs/conformance.md lists them, too.

export interface UnsupportedTests {
  readonly names: readonly string[];
  readonly reason: string;
}

export const unsupportedTests: readonly UnsupportedTests[] = [
  {
    names: [
      "UDPRoute",
      "UDPRouteInvalidBackendRefNonexistent",
      "UDPRouteInvalidCrossNamespaceBackendRef",
      "UDPRouteMultipleRoutesAttachment",
      "UDPRouteParentRefAttachAllListeners",
      "UDPRouteParentRefPortAndSectionName",
      "UDPRouteReferenceGrant",
      "UDPRouteWeightedRouting",
    ],
    reason: "UDP is not served: its listeners are `UnsupportedProtocol`, its routes find no parent",
  },
  {
    names: ["TLSRouteMixedTerminationSameNamespace"],
    reason: "a port has one TLS mode: the other listener is in `ProtocolConflict`",
  },
  {
    names: ["TLSRouteListenerTerminateNotSupported"],
    reason: "for gateways that cannot end TLS in front of TLSRoutes; this one can",
  },
  {
    names: ["GatewayInfrastructure"],
    reason: "nothing is made in the cluster that labels and annotations could go to",
  },
  {
    names: [
      "MeshBasic",
      "MeshConsumerRoute",
      "MeshFrontend",
      "MeshFrontendHostname",
      "MeshGRPCRouteRequestHeaderModifier",
      "MeshGRPCRouteWeight",
      "MeshHTTPRoute303Redirect",
      "MeshHTTPRoute307Redirect",
      "MeshHTTPRoute308Redirect",
      "MeshHTTPRouteBackendRequestHeaderModifier",
      "MeshHTTPRouteMatching",
      "MeshHTTPRouteNamedRule",
      "MeshHTTPRouteQueryParamMatching",
      "MeshHTTPRouteRedirectHostAndStatus",
      "MeshHTTPRouteRedirectPath",
      "MeshHTTPRouteRedirectPort",
      "MeshHTTPRouteRequestHeaderModifier",
      "MeshHTTPRouteRewritePath",
      "MeshHTTPRouteSchemeRedirect",
      "MeshHTTPRouteSimpleSameNamespace",
      "MeshHTTPRouteWeight",
      "MeshPorts",
      "MeshTrafficSplit",
    ],
    reason: "routes have Gateways for parents, not Services",
  },
];
