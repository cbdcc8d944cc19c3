// Which Gateways lead to a Service: in the status of a policy of Services they are its ancestors (GEP-713).
import type { Condition, StatusBody } from "../kubernetes/object-status.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { controllerName } from "./condition.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";
import { gatewayGroup } from "./schema/reference.ts";

interface ServiceName {
  readonly namespace: string;
  readonly name: string;
}

export interface ReachedServices {
  /** The Service is reached by routes of these Gateways. */
  reached(service: ServiceName, gateways: readonly Gateway[]): void;
  /** Of a policy for these Services, once all routes are translated. */
  statusFor(services: readonly ServiceName[], conditions: readonly Condition[]): StatusBody;
}

export function createReachedServices(): ReachedServices {
  const gatewaysOf = new Map<string, Set<Gateway>>();
  return {
    reached: (service, gateways) => {
      const key = qualifiedName(service);
      const known = gatewaysOf.get(key) ?? new Set();
      gatewaysOf.set(key, known);
      for (const gateway of gateways) known.add(gateway);
    },
    statusFor: (services, conditions) => {
      const found = new Set(
        services.flatMap((service) => [...(gatewaysOf.get(qualifiedName(service)) ?? [])]),
      );
      return {
        ancestors: [...found].map(({ namespace, name }) => ({
          ancestorRef: { group: gatewayGroup, kind: "Gateway", namespace, name },
          controllerName,
          conditions: [...conditions],
        })),
      };
    },
  };
}
