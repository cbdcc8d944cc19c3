// Every kind of Istio's that is read.
import type { Kind } from "../../kubernetes/kind.ts";
import { destinationRuleKind } from "./destination-rule.ts";
import { gatewayKind } from "./gateway.ts";
import { istioOperatorKind } from "./mesh-config.ts";
import {
  envoyFilterKind,
  proxyConfigKind,
  sidecarKind,
  telemetryKind,
  trafficExtensionKind,
  wasmPluginKind,
  workloadGroupKind,
} from "./others.ts";
import { authorizationPolicyKind, peerAuthenticationKind, requestAuthenticationKind } from "./security.ts";
import { serviceEntryKind, workloadEntryKind } from "./service-entry.ts";
import { virtualServiceKind } from "./virtual-service.ts";

export const istioKinds: readonly Kind[] = [
  gatewayKind,
  virtualServiceKind,
  destinationRuleKind,
  serviceEntryKind,
  workloadEntryKind,
  authorizationPolicyKind,
  requestAuthenticationKind,
  peerAuthenticationKind,
  istioOperatorKind,
  envoyFilterKind,
  wasmPluginKind,
  trafficExtensionKind,
  sidecarKind,
  workloadGroupKind,
  proxyConfigKind,
  telemetryKind,
];
