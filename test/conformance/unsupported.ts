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
    names: ["MeshBasic", "MeshPorts"],
    reason: "requests for Services to which no route is bound do not come by the gateway",
  },
  {
    names: ["MeshConsumerRoute"],
    reason:
      "whose client a request is from is not known, so routes for one namespace's clients are not served",
  },
  {
    names: ["MeshFrontendHostname"],
    reason: "Services have no addresses of their own here: the Host says which one is meant",
  },
];
