// What only our own gateways may call, over a service binding or a Unix socket: the heartbeat, joining, renewing, forwarding.
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { syncText } from "#contract/sync-text.ts";
import {
  type ControlSyncAnswer,
  type IssuedCertificate,
  type Trust,
  controlSyncRequestSchema,
  joinRequestSchema,
  renewRequestSchema,
} from "#contract/sync.ts";
import { forwardRequestSchema } from "#contract/port-forward.ts";
import { answerError, invalidRequest } from "../admin/error-answer.ts";
import { type Env, certificateAuthority, configStore } from "../env.ts";
import { Refusal, valueOf } from "../refusal.ts";
import { observe } from "../stats/observe.ts";
import { metricsAnswer } from "../stats/metrics-answer.ts";
import { statsAnswer } from "../stats/stats-answer.ts";
import { systemStats } from "../stats/system-stats.ts";
import type { PackedVersion } from "../store/config-store.ts";
import { linesOf, openSnapshot } from "../store/open-snapshots.ts";
import { grantForward } from "./port-forward.ts";

/** A region with every agent connected and 10,000 endpoints reports about 4 MB. */
const maxBodyBytes = 16 * 1024 * 1024;

type InternalApp = Hono<{ Bindings: Env }>;

export function createInternalApp(): InternalApp {
  const app: InternalApp = new Hono();
  app.onError(answerError);
  app.notFound((c) => {
    throw new Refusal("not_found", `There is no ${c.req.method} ${c.req.path}.`);
  });
  app.use(
    bodyLimit({
      maxSize: maxBodyBytes,
      onError: () => {
        throw new Refusal("body_too_large", `The request body is longer than ${maxBodyBytes} bytes.`);
      },
    }),
  );
  app.post("/sync", async (c) => c.body(await sync(c.env, await bodyOf(c.req, controlSyncRequestSchema))));
  app.post("/join", async (c) => {
    const request = await bodyOf(c.req, joinRequestSchema);
    return c.json(await valueOf<IssuedCertificate>(certificateAuthority(c.env).join(request)));
  });
  app.post("/renew", async (c) => {
    const request = await bodyOf(c.req, renewRequestSchema);
    return c.json(await valueOf<IssuedCertificate>(certificateAuthority(c.env).renew(request)));
  });
  app.post("/forward", async (c) =>
    c.json(await grantForward(c.env, await bodyOf(c.req, forwardRequestSchema), Date.now())),
  );
  // A gateway shows the page, or the metrics, where a Statistics filter puts it; who may see it is the business of that rule.
  app.get("/stats", async (c) => {
    const { path = "/stats", options = "", refresh, format } = c.req.query();
    if (format === "Prometheus") return metricsAnswer(await observe(c.env));
    const refreshS = Number.parseInt(refresh ?? "", 10) || 0;
    return statsAnswer(systemStats(await observe(c.env), Date.now()), {
      path,
      options: options.split(";"),
      refreshS,
    });
  });
  return app;
}

/** As `contract/sync-text.ts` has it. */
async function sync(env: Env, report: z.infer<typeof controlSyncRequestSchema>): Promise<string> {
  // An authority without its secret must not keep the configuration from the gateways.
  const trust = await valueOf<Trust | undefined>(certificateAuthority(env).trust(report.trustVersion)).catch(
    (error: unknown) => {
      console.error(`sync without trust: ${String(error)}`);
      return undefined;
    },
  );
  const holdMs = trust ? 0 : (report.holdMs ?? 0);
  const { newer, administration } = await configStore(env).sync(report, holdMs);
  const answer: ControlSyncAnswer = { ...(trust && { trust }), ...(administration && { administration }) };
  return syncText(answer, newer && (await snapshotText(env, report, newer)));
}

/** Of a version that the region has, what has changed since. */
async function snapshotText(
  env: Env,
  { snapshotVersion, snapshotHash }: z.infer<typeof controlSyncRequestSchema>,
  { summary, packed }: PackedVersion,
): Promise<string> {
  const lines = linesOf(await openSnapshot(summary.version, summary.hash, packed));
  const base =
    snapshotHash === undefined ? undefined : await configStore(env).read("snapshot", snapshotVersion);
  // A store that was lost and started anew has other versions under the same numbers.
  if (!base || base.summary.hash !== snapshotHash) return lines.text();
  return lines.changeText(linesOf(await openSnapshot(snapshotVersion, snapshotHash, base.packed)));
}

/** The body, validated. Throws {@link Refusal} `request_invalid` with the place. */
async function bodyOf<Schema extends z.ZodType>(
  request: { text(): Promise<string> },
  schema: Schema,
): Promise<z.output<Schema>> {
  let json: unknown;
  try {
    json = JSON.parse(await request.text());
  } catch (error) {
    throw new Refusal("request_invalid", `body: not JSON: ${(error as Error).message}`);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw invalidRequest("body", parsed.error.issues);
  return parsed.data;
}
