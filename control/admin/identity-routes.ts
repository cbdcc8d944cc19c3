// Who may join the tunnels: join tokens, certificates, trust.
import { z } from "@hono/zod-openapi";
import {
  authoritySchema,
  certificatePageSchema,
  certificateSummarySchema,
  importAuthorityRequestSchema,
  joinTokenRequestSchema,
  joinTokenSchema,
  pageQuerySchema,
  retireRequestSchema,
  revokeRequestSchema,
  rotateRequestSchema,
  serverCertificateRequestSchema,
  serverCertificateSchema,
  trustResponseSchema,
} from "#contract/admin.ts";
import type { Trust } from "#contract/sync.ts";
import { certificateAuthority, configStore, type Env } from "../env.ts";
import { valueOf } from "../refusal.ts";
import { type AdminApp, adminRoute, jsonBody } from "./admin-route.ts";
import { cursorFrom, nextCursor } from "./page.ts";

const joinTokenRoute = adminRoute({
  method: "post",
  path: "/v1/join-tokens",
  role: "admin",
  summary: "Create a one-time token with which an agent joins a tunnel",
  request: jsonBody(joinTokenRequestSchema),
  answer: joinTokenSchema,
  description: "The token; it is never shown again",
});

const listRoute = adminRoute({
  method: "get",
  path: "/v1/certificates",
  role: "reader",
  summary: "Issued certificates, newest first",
  request: { query: pageQuerySchema },
  answer: certificatePageSchema,
  description: "A page of certificates",
});

const revokeRoute = adminRoute({
  method: "post",
  path: "/v1/certificates/{serial}/revoke",
  role: "admin",
  summary: "Revoke a certificate",
  request: {
    params: z.object({ serial: z.string().regex(/^[0-9a-f]{1,40}$/, "expected a serial in lower-case hex") }),
    ...jsonBody(revokeRequestSchema),
  },
  answer: certificateSummarySchema,
  description: "The certificate; gateways learn of it with their next heartbeat",
});

const serverRoute = adminRoute({
  method: "post",
  path: "/v1/certificates/server",
  role: "admin",
  summary: "Issue a server certificate for the front door",
  request: jsonBody(serverCertificateRequestSchema),
  answer: serverCertificateSchema,
  description: "The chain",
});

const trustRoute = adminRoute({
  method: "get",
  path: "/v1/trust",
  role: "reader",
  summary: "Trust domain and roots",
  request: {},
  answer: trustResponseSchema,
  description: "What agents have to trust",
});

const authorityRoute = adminRoute({
  method: "get",
  path: "/v1/ca",
  role: "reader",
  summary: "The certificate authority's roots, and how far a rotation has come",
  request: {},
  answer: authoritySchema,
  description: "Roots, oldest first",
});

const rotateRoute = adminRoute({
  method: "post",
  path: "/v1/ca/rotate",
  role: "admin",
  summary: "Add a root and let it take over",
  request: jsonBody(rotateRequestSchema),
  answer: trustResponseSchema,
  description: "The trust document with both roots",
});

const importRoute = adminRoute({
  method: "post",
  path: "/v1/ca/import",
  role: "admin",
  summary: "Bring an authority of one's own and let it take over",
  request: jsonBody(importAuthorityRequestSchema),
  answer: trustResponseSchema,
  description: "The trust document with its root; unchanged where it was there already",
});

const retireRoute = adminRoute({
  method: "post",
  path: "/v1/ca/roots/{id}/retire",
  role: "admin",
  summary: "Take an authority that no longer signs out, with everything that it issued",
  request: { params: z.object({ id: z.string().max(64) }), ...jsonBody(retireRequestSchema) },
  answer: trustResponseSchema,
  description: "The trust document without it",
});

export function addIdentityRoutes(app: AdminApp): void {
  app.openapi(joinTokenRoute, async (c) => {
    const { tunnel, expiresInSeconds } = c.req.valid("json");
    const created = certificateAuthority(c.env).createJoinToken(
      c.get("caller").name,
      tunnel,
      expiresInSeconds,
    );
    return c.json(await valueOf<z.infer<typeof joinTokenSchema>>(created), 200);
  });
  app.openapi(listRoute, async (c) => {
    const { limit, before } = c.req.valid("query");
    const page = await certificateAuthority(c.env).listCertificates(limit, cursorFrom(before));
    const { certificates, lastSequence } = page;
    return c.json({ certificates, ...nextCursor(certificates.length, limit, lastSequence) }, 200);
  });
  app.openapi(serverRoute, async (c) => {
    const { csrPem, names } = c.req.valid("json");
    const issued = certificateAuthority(c.env).issueServerCertificate(c.get("caller").name, csrPem, names);
    return c.json(await valueOf<z.infer<typeof serverCertificateSchema>>(issued), 200);
  });
  app.openapi(revokeRoute, async (c) => {
    const { reason } = c.req.valid("json");
    const revoked = certificateAuthority(c.env).revoke(
      c.get("caller").name,
      c.req.valid("param").serial,
      reason,
    );
    return c.json(await valueOf<z.infer<typeof certificateSummarySchema>>(revoked), 200);
  });
  app.openapi(trustRoute, async (c) => {
    // Version 0 is older than any: the document always comes.
    const trust = await valueOf<Trust | undefined>(certificateAuthority(c.env).trust(0));
    return c.json(trustResponse(trust!), 200);
  });
  app.openapi(authorityRoute, async (c) => {
    const described = certificateAuthority(c.env).describe(await serialsInUse(c.env));
    return c.json(await valueOf<z.infer<typeof authoritySchema>>(described), 200);
  });
  app.openapi(rotateRoute, async (c) => {
    const { leadSeconds } = c.req.valid("json");
    const trust = certificateAuthority(c.env).rotate(c.get("caller").name, leadSeconds);
    return c.json(trustResponse(await valueOf<Trust>(trust)), 200);
  });
  app.openapi(importRoute, async (c) => {
    const trust = certificateAuthority(c.env).importAuthority(c.get("caller").name, c.req.valid("json"));
    return c.json(trustResponse(await valueOf<Trust>(trust)), 200);
  });
  app.openapi(retireRoute, async (c) => {
    const { id } = c.req.valid("param");
    const { force } = c.req.valid("json");
    const serials = await serialsInUse(c.env);
    const trust = certificateAuthority(c.env).retire(c.get("caller").name, id, serials, force);
    return c.json(trustResponse(await valueOf<Trust>(trust)), 200);
  });
}

/** Of the certificates with which agents serve, as far as the regions' last reports tell; a connection that drains has a successor. */
async function serialsInUse(env: Env): Promise<string[]> {
  const { regions } = await configStore(env).status();
  return regions.flatMap(({ agents }) =>
    agents.filter(({ draining }) => !draining).map(({ certificateSerial }) => certificateSerial),
  );
}

function trustResponse(trust: Trust): z.infer<typeof trustResponseSchema> {
  const { version, trustDomain, rootsPem, signer } = trust;
  return { version, trustDomain, rootsPem, ...(signer && { signer }), trustBundlePem: rootsPem.join("") };
}
