// What Istio's admission refuses (`pkg/config/validation`): files have not been through it, and what it does not let in has
// no meaning there that could be kept.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { Place } from "../../kubernetes/field-notes.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { destinationRuleKind } from "../kinds/destination-rule.ts";
import { gatewayKind } from "../kinds/gateway.ts";
import {
  authorizationPolicyKind,
  peerAuthenticationKind,
  requestAuthenticationKind,
} from "../kinds/security.ts";
import { serviceEntryKind, workloadEntryKind } from "../kinds/service-entry.ts";
import { virtualServiceKind } from "../kinds/virtual-service.ts";
import { admitDestinationRule } from "./destination-rule.ts";
import { admitGateway } from "./gateway.ts";
import { admitAuthorizationPolicy, admitPeerAuthentication, admitRequestAuthentication } from "./security.ts";
import { admitServiceEntry, admitWorkload } from "./service-entry.ts";
import { admitVirtualService } from "./virtual-service.ts";

export function admit({ set, notes }: ImportContext): void {
  const specOf = (object: KubernetesObject): Place => ({ notes, object, path: ["spec"] });
  for (const { object, body } of set.all(gatewayKind)) admitGateway(body.spec, specOf(object));
  for (const { object, body } of set.all(virtualServiceKind)) admitVirtualService(body.spec, specOf(object));
  for (const { object, body } of set.all(destinationRuleKind))
    admitDestinationRule(body.spec, specOf(object));
  for (const { object, body } of set.all(serviceEntryKind)) admitServiceEntry(body.spec, specOf(object));
  for (const { object, body } of set.all(workloadEntryKind)) admitWorkload(body.spec, specOf(object));
  for (const { object, body } of set.all(authorizationPolicyKind))
    admitAuthorizationPolicy(body.spec ?? {}, specOf(object));
  for (const { object, body } of set.all(requestAuthenticationKind))
    admitRequestAuthentication(body.spec ?? {}, specOf(object));
  for (const { object, body } of set.all(peerAuthenticationKind))
    admitPeerAuthentication(body.spec ?? {}, specOf(object));
}
