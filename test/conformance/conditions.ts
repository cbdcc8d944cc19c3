// The conditions of the Gateway API with their reasons (apis/v1 `*_types.go`), and why some are never written here.
// docs/gateway-api-conditions.md is made of them.

/** Whose condition it is. A listener is a Gateway's or a ListenerSet's. */
export const subjects = [
  "GatewayClass",
  "Gateway",
  "listener",
  "ListenerSet",
  "listener of a ListenerSet",
  "route",
  "BackendTLSPolicy",
  "policy",
] as const;
export type Subject = (typeof subjects)[number];

export interface ConditionReason {
  readonly subject: Subject;
  readonly type: string;
  readonly reason: string;
  /** Never written here, because. */
  readonly absent?: string;
}

const noWaiting = "conditions are computed from files at once: nothing is waited for";
const deprecated = "superseded in the standard by another condition or reason";
const reserved = "reserved by the standard for the future";
const noVersions = "the version of the API is that of the objects; there are no CRDs to look at";

function reasons(
  subject: Subject,
  type: string,
  known: readonly string[],
  absent: Readonly<Record<string, string>> = {},
): ConditionReason[] {
  return [
    ...known.map((reason) => ({ subject, type, reason })),
    ...Object.entries(absent).map(([reason, why]) => ({ subject, type, reason, absent: why })),
  ];
}

const ofListeners = (subject: Subject): ConditionReason[] => [
  ...reasons(subject, "Conflicted", ["NoConflicts", "HostnameConflict", "ProtocolConflict"]),
  ...reasons(
    subject,
    "Accepted",
    ["Accepted", "UnsupportedProtocol", "HostnameConflict", "ProtocolConflict"],
    {
      PortUnavailable: "whether a port is free shows when the gateway binds it, and it does not start then",
    },
  ),
  ...reasons(subject, "ResolvedRefs", [
    "ResolvedRefs",
    "InvalidCertificateRef",
    "InvalidRouteKinds",
    "RefNotPermitted",
  ]),
  ...reasons(subject, "Programmed", ["Programmed", "Invalid", "HostnameConflict", "ProtocolConflict"], {
    Pending: noWaiting,
  }),
  ...reasons(subject, "Ready", [], { Ready: reserved }),
];

export const conditionReasons: readonly ConditionReason[] = [
  ...reasons("GatewayClass", "Accepted", ["Accepted", "InvalidParameters"], {
    Pending: noWaiting,
    Waiting: deprecated,
    Unsupported: "a class of ours has nothing that could be unsupported but its parameters",
  }),
  ...reasons("GatewayClass", "SupportedVersion", [], {
    SupportedVersion: noVersions,
    UnsupportedVersion: noVersions,
  }),
  ...reasons("Gateway", "Accepted", [
    "Accepted",
    "ListenersNotValid",
    "InvalidParameters",
    "UnsupportedAddress",
    "Pending",
  ]),
  ...reasons("Gateway", "Programmed", ["Programmed", "Invalid", "AddressNotUsable"], {
    NoResources: "Gateways share the process, which has resources for all that it accepts",
    AddressNotAssigned: "addresses are those that the Gateway asks for, or all of the machine",
    Pending: noWaiting,
  }),
  ...reasons("Gateway", "ResolvedRefs", [
    "ResolvedRefs",
    "InvalidClientCertificateRef",
    "RefNotPermitted",
    "ListenersNotResolved",
  ]),
  ...reasons("Gateway", "InsecureFrontendValidationMode", ["ConfigurationChanged"]),
  ...reasons("Gateway", "Scheduled", [], { Scheduled: deprecated, NotReconciled: deprecated }),
  ...reasons("Gateway", "Ready", [], { Ready: reserved, ListenersNotReady: reserved }),
  ...ofListeners("listener"),
  ...reasons("listener", "Accepted", ["NoValidCACertificate", "Invalid"], {
    UnsupportedValue:
      "a value that is no name of the standard is an error in the file: the API server refuses it, too",
  }),
  ...reasons("listener", "ResolvedRefs", ["InvalidCACertificateRef", "InvalidCACertificateKind"]),
  ...reasons("listener", "OverlappingTLSConfig", ["OverlappingHostnames"], {
    OverlappingCertificates:
      "which listener a connection is for is decided by server names, not by certificates",
  }),
  ...reasons("listener", "Detached", [], { Attached: deprecated }),
  ...reasons(
    "ListenerSet",
    "Accepted",
    ["Accepted", "NotAllowed", "ParentNotAccepted", "ListenersNotValid"],
    {
      Pending: noWaiting,
    },
  ),
  ...reasons(
    "ListenerSet",
    "Programmed",
    ["Programmed", "NotAllowed", "ParentNotAccepted", "ListenersNotValid"],
    { Invalid: "it repeats the reason for which the ListenerSet is not accepted", Pending: noWaiting },
  ),
  ...ofListeners("listener of a ListenerSet"),
  ...reasons("listener of a ListenerSet", "Accepted", ["Invalid"], {
    TooManyListeners: "what is beyond the bound of a configuration is an error",
  }),
  ...reasons("listener of a ListenerSet", "Conflicted", [], {
    ListenerConflict: "which of both it is is said: HostnameConflict or ProtocolConflict",
  }),
  ...reasons(
    "route",
    "Accepted",
    [
      "Accepted",
      "NotAllowedByListeners",
      "NoMatchingListenerHostname",
      "NoMatchingParent",
      "IncompatibleFilters",
      "HostnameConflict",
    ],
    {
      UnsupportedValue:
        "a value that is no name of the standard is an error in the file: the API server refuses it, too",
      Pending: noWaiting,
    },
  ),
  ...reasons("route", "ResolvedRefs", [
    "ResolvedRefs",
    "RefNotPermitted",
    "InvalidKind",
    "BackendNotFound",
    "UnsupportedProtocol",
  ]),
  ...reasons("route", "PartiallyInvalid", ["UnsupportedValue"]),
  ...reasons("BackendTLSPolicy", "Accepted", ["Accepted", "Conflicted", "Invalid", "NoValidCACertificate"], {
    TargetNotFound:
      "a policy has its Gateways for ancestors, and to a Service that is not there none of them leads",
  }),
  ...reasons("BackendTLSPolicy", "ResolvedRefs", ["ResolvedRefs", "InvalidCACertificateRef", "InvalidKind"]),
  ...reasons("policy", "Accepted", ["Accepted", "Conflicted", "Invalid", "TargetNotFound"]),
];
