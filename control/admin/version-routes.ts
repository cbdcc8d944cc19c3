// Versions of the configuration: publish, list, show, compare, roll back.
import { z } from "@hono/zod-openapi";
import {
  diffResponseSchema,
  pageQuerySchema,
  publishRequestSchema,
  publishResponseSchema,
  rollbackRequestSchema,
  versionDetailSchema,
  versionOutlineSchema,
  versionPageSchema,
} from "#contract/admin.ts";
import { limits } from "#contract/limits.ts";
import { configStore, targetOf } from "../env.ts";
import { type AdminApp, adminRoute, jsonBody } from "./admin-route.ts";
import { cursorFrom, nextCursor } from "./page.ts";
import { diffVersions, publish, readSnapshot, readVersion, rollback } from "./publish.ts";

const versionNumber = z.coerce.number().int().positive();

const publishRoute = adminRoute({
  method: "post",
  path: "/v1/versions",
  role: "publisher",
  summary: "Validate and publish a configuration",
  request: jsonBody(publishRequestSchema),
  answer: publishResponseSchema,
  description: "The new version, or what it would change",
  maxBodyBytes: limits.adminBodyBytes,
});

const listRoute = adminRoute({
  method: "get",
  path: "/v1/versions",
  role: "reader",
  summary: "History, newest first",
  request: { query: pageQuerySchema },
  answer: versionPageSchema,
  description: "A page of versions",
});

const currentRoute = adminRoute({
  method: "get",
  path: "/v1/versions/current",
  role: "reader",
  summary: "The current version with its sources",
  request: {},
  answer: versionDetailSchema,
  description: "The version",
});

const outlineRoute = adminRoute({
  method: "get",
  path: "/v1/versions/current/outline",
  role: "reader",
  summary: "Listeners and backends of the current version",
  request: {},
  answer: versionOutlineSchema,
  description: "The version without its sources and routes",
});

const showRoute = adminRoute({
  method: "get",
  path: "/v1/versions/{version}",
  role: "reader",
  summary: "One version with its sources",
  request: { params: z.object({ version: versionNumber }) },
  answer: versionDetailSchema,
  description: "The version",
});

const diffRoute = adminRoute({
  method: "get",
  path: "/v1/diff",
  role: "reader",
  summary: "What changed between two versions",
  request: { query: z.strictObject({ from: versionNumber, to: versionNumber }) },
  answer: diffResponseSchema,
  description: "Changes by listener, route and backend",
});

const rollbackRoute = adminRoute({
  method: "post",
  path: "/v1/rollback",
  role: "publisher",
  summary: "Publish an earlier version again",
  request: jsonBody(rollbackRequestSchema),
  answer: publishResponseSchema,
  description: "The new version with the old content",
});

export function addVersionRoutes(app: AdminApp): void {
  app.openapi(publishRoute, async (c) =>
    c.json(
      await publish(configStore(c.env), c.req.valid("json"), c.get("caller").name, targetOf(c.env)),
      200,
    ),
  );
  app.openapi(listRoute, async (c) => {
    const { limit, before } = c.req.valid("query");
    const versions = await configStore(c.env).list(limit, cursorFrom(before));
    return c.json({ versions, ...nextCursor(versions.length, limit, versions.at(-1)?.version ?? 0) }, 200);
  });
  app.openapi(currentRoute, async (c) => {
    const { summary, files, snapshot } = await readVersion(configStore(c.env), undefined);
    return c.json({ ...summary, files, snapshot }, 200);
  });
  app.openapi(outlineRoute, async (c) => {
    const { summary, snapshot } = await readSnapshot(configStore(c.env), undefined);
    return c.json({ ...summary, listeners: snapshot.listeners, backends: snapshot.backends }, 200);
  });
  app.openapi(showRoute, async (c) => {
    const { summary, files, snapshot } = await readVersion(configStore(c.env), c.req.valid("param").version);
    return c.json({ ...summary, files, snapshot }, 200);
  });
  app.openapi(diffRoute, async (c) => {
    const { from, to } = c.req.valid("query");
    return c.json({ from, to, changes: await diffVersions(configStore(c.env), from, to) }, 200);
  });
  app.openapi(rollbackRoute, async (c) =>
    c.json(await rollback(configStore(c.env), c.req.valid("json"), c.get("caller").name), 200),
  );
}
