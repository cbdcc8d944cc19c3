// Runtime administration of endpoints: state and weight, apart from the configuration.
import {
  administerRequestSchema,
  endpointListSchema,
  endpointStandingSchema,
} from "#contract/administration.ts";
import type { AdministeredEndpoint } from "#contract/administration.ts";
import { configStore } from "../env.ts";
import { Refusal, valueOf } from "../refusal.ts";
import { currentSnapshot } from "../stats/current-snapshot.ts";
import { endpointStandings } from "../stats/endpoint-standings.ts";
import { type AdminApp, adminRoute, jsonBody } from "./admin-route.ts";

const listRoute = adminRoute({
  method: "get",
  path: "/v1/endpoints",
  role: "reader",
  summary: "Endpoints with their administrative state, weight and health",
  request: {},
  answer: endpointListSchema,
  description: "Every endpoint of the current version",
});

const administerRoute = adminRoute({
  method: "post",
  path: "/v1/endpoints",
  role: "publisher",
  summary: "Set the state or weight of an endpoint, within a heartbeat and without a new version",
  request: jsonBody(administerRequestSchema),
  answer: endpointStandingSchema,
  description: "The endpoint as it stands now",
});

export function addEndpointRoutes(app: AdminApp): void {
  app.openapi(listRoute, async (c) => {
    const store = configStore(c.env);
    const [{ snapshot }, { regions }, administered] = await Promise.all([
      currentSnapshot(store),
      store.status(),
      store.listAdministered(),
    ]);
    return c.json({ endpoints: endpointStandings(snapshot, regions, administered) }, 200);
  });
  app.openapi(administerRoute, async (c) => {
    const store = configStore(c.env);
    const request = c.req.valid("json");
    const { backend: backendName, endpoint: endpointId } = request;
    if (request.state === undefined && request.weight === undefined) {
      throw new Refusal("request_invalid", "body: expected state, weight, or both");
    }
    const { snapshot } = await currentSnapshot(store);
    const backend = snapshot.backends.find(({ name }) => name === backendName);
    if (!backend) throw new Refusal("backend_not_found", `There is no backend ${backendName}.`);
    const endpoint = backend.endpoints.find(({ id }) => id === endpointId);
    if (!endpoint) {
      throw new Refusal("endpoint_not_found", `The backend ${backendName} has no endpoint ${endpointId}.`, {
        remedy: `It has: ${backend.endpoints
          .slice(0, 16)
          .map(({ id }) => id)
          .join(", ")}`,
      });
    }
    const changed = await valueOf<AdministeredEndpoint>(store.administer(c.get("caller").name, request));
    const only = { ...snapshot, backends: [{ ...backend, endpoints: [endpoint] }] };
    const [standing] = endpointStandings(only, (await store.status()).regions, [changed]);
    return c.json(standing!, 200);
  });
}
