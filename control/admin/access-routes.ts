// Who may use the admin API and what they did: tokens, audit log, status.
import { z } from "@hono/zod-openapi";
import {
  auditPageSchema,
  pageQuerySchema,
  statusSchema,
  tokenCreatedSchema,
  tokenListSchema,
  tokenRequestSchema,
  tokenSummarySchema,
} from "#contract/admin.ts";
import { certificateAuthority, configStore } from "../env.ts";
import { valueOf } from "../refusal.ts";
import { type AdminApp, adminRoute, jsonBody } from "./admin-route.ts";
import { auditCursorFrom, mergeAudit } from "./audit-page.ts";

const statusRoute = adminRoute({
  method: "get",
  path: "/v1/status",
  role: "reader",
  summary: "The current version and who runs it",
  request: {},
  answer: statusSchema,
  description: "Regions with their gateways, agents and endpoints, as of their last report",
});

const listTokensRoute = adminRoute({
  method: "get",
  path: "/v1/tokens",
  role: "admin",
  summary: "Bearer tokens, without their secrets",
  request: {},
  answer: tokenListSchema,
  description: "All stored tokens",
});

const createTokenRoute = adminRoute({
  method: "post",
  path: "/v1/tokens",
  role: "admin",
  summary: "Create a bearer token",
  request: jsonBody(tokenRequestSchema),
  answer: tokenCreatedSchema,
  description: "The token; its secret is never shown again",
});

const deleteTokenRoute = adminRoute({
  method: "delete",
  path: "/v1/tokens/{id}",
  role: "admin",
  summary: "Delete a bearer token",
  request: { params: z.object({ id: z.string().max(64) }) },
  answer: tokenSummarySchema,
  description: "The token that is gone",
});

const auditRoute = adminRoute({
  method: "get",
  path: "/v1/audit",
  role: "reader",
  summary: "Every change, newest first",
  request: { query: pageQuerySchema },
  answer: auditPageSchema,
  description: "A page of entries",
});

export function addAccessRoutes(app: AdminApp): void {
  app.openapi(statusRoute, async (c) => c.json(await configStore(c.env).status(), 200));
  app.openapi(listTokensRoute, async (c) => c.json({ tokens: await configStore(c.env).listTokens() }, 200));
  app.openapi(createTokenRoute, async (c) => {
    const { name, role, expiresInSeconds } = c.req.valid("json");
    const created = configStore(c.env).createToken(c.get("caller").name, name, role, expiresInSeconds);
    return c.json(await valueOf<z.infer<typeof tokenCreatedSchema>>(created), 200);
  });
  app.openapi(deleteTokenRoute, async (c) => {
    const deleted = configStore(c.env).deleteToken(c.get("caller").name, c.req.valid("param").id);
    return c.json(await valueOf<z.infer<typeof tokenSummarySchema>>(deleted), 200);
  });
  app.openapi(auditRoute, async (c) => {
    const { limit, before } = c.req.valid("query");
    const cursor = auditCursorFrom(before);
    const [config, identity] = await Promise.all([
      configStore(c.env).listAudit(limit, cursor.config),
      certificateAuthority(c.env).listAudit(limit, cursor.identity),
    ]);
    return c.json(mergeAudit(config, identity, limit, cursor), 200);
  });
}
