// Backend stage: the endpoint that a backendRef prefers gets its requests while it is up, whoever their sessions are bound to
// (HAProxy `use-server`).
import type { BackendScope, Stage } from "./stage.ts";

export const preferEndpoint: Stage<BackendScope> = ({ backend, ref }, next) => {
  const { preferredEndpoint } = ref;
  if (preferredEndpoint === undefined) return next;
  const endpointIndex = backend.endpoints.findIndex(({ endpoint }) => endpoint.id === preferredEndpoint);
  return (exchange) => {
    if (backend.balancer.keepsSessions(endpointIndex))
      exchange.bound = { refIndex: exchange.refIndex, endpointIndex };
    return next(exchange);
  };
};
