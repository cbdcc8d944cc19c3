// The admin API: authentication in front, routes by topic, and its own OpenAPI document.
import { OpenAPIHono } from "@hono/zod-openapi";
import { configStore } from "../env.ts";
import { Refusal } from "../refusal.ts";
import { authenticate, bearerOfBasic } from "../token/authenticate.ts";
import { addAccessRoutes } from "./access-routes.ts";
import type { AdminApp, AdminEnv } from "./admin-route.ts";
import { answerError, requireValid } from "./error-answer.ts";
import { addEndpointRoutes } from "./endpoint-routes.ts";
import { addIdentityRoutes } from "./identity-routes.ts";
import { isObservation } from "./observation-path.ts";
import { addObservationRoutes } from "./observation-routes.ts";
import { addVersionRoutes } from "./version-routes.ts";

const documentInfo = {
  openapi: "3.1.0",
  info: {
    title: "Isthmus admin API",
    version: "1",
    description:
      "Publishes configuration and manages identity. Every call needs a bearer token; `x-required-role` names its least role (reader < publisher < admin; `forwarder` may call nothing here).",
    license: { name: "Apache-2.0", identifier: "Apache-2.0" },
  },
};

export function createAdminApp(): AdminApp {
  const app = new OpenAPIHono<AdminEnv>({ defaultHook: requireValid });
  app.onError(answerError);
  app.notFound((c) => {
    throw new Refusal("not_found", `There is no ${c.req.method} ${c.req.path}.`, {
      remedy: "GET /openapi.json describes every call.",
    });
  });
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/openapi.json", (c) => c.json(app.getOpenAPI31Document(documentInfo)));
  // Whatever comes after this line has a caller.
  app.use(async (c, next) => {
    const store = configStore(c.env);
    const findToken = async (id: string) => store.findToken(id);
    const given = c.req.header("authorization");
    const authorization = isObservation(c.req.path) ? bearerOfBasic(given) : given;
    c.set("caller", await authenticate(authorization, c.env.ADMIN_TOKEN, findToken, Date.now()));
    await next();
  });
  addVersionRoutes(app);
  addAccessRoutes(app);
  addEndpointRoutes(app);
  addIdentityRoutes(app);
  addObservationRoutes(app);
  app.openAPIRegistry.registerComponent("securitySchemes", "bearer", { type: "http", scheme: "bearer" });
  return app;
}
