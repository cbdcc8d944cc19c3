// The Pods that serve a Gateway in its cluster, as policies select them.
import type { Labels } from "../kubernetes/labels.ts";
import type { Gate } from "../kubernetes/model-parts.ts";
import type { Listener } from "./listener.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";

/** GEP-1762. */
const gatewayLabel = "gateway.networking.k8s.io/gateway-name";

export function podLabels({ name, labels, body }: Gateway): Labels {
  return { ...labels, ...body.spec.infrastructure?.labels, [gatewayLabel]: name };
}

export function gateOf({ gateway, spec }: Listener): Gate {
  const { namespace, name } = gateway;
  return { namespace, labels: podLabels(gateway), port: spec.port, gatewayName: name };
}
