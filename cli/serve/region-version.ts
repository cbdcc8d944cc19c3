// Asks the region's state object which snapshot it holds, the way a gateway does (contract/sync.ts).
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { syncResponseSchema, type SyncRequest } from "#contract/sync.ts";

const timeoutMs = 2_000;

/** 0 for none. `statePath` is the state process's Unix socket. Rejects when the process does not answer. */
export async function regionVersion(statePath: string, region: string): Promise<number> {
  const body: SyncRequest = { gateway: "", snapshotVersion: 0, healthVersion: 0, counters: {} };
  const answer = await ask(statePath, {
    method: "POST",
    path: `/RegionState/${encodeURIComponent(region)}/sync`,
    host: "object",
    body: JSON.stringify(body),
  });
  return syncResponseSchema.parse(answer.body).snapshot?.version ?? 0;
}

/** Error code in the gateway's answer to a request that matches nothing; undefined when a route answered. */
export async function gatewayAnswer(probePath: string): Promise<string | undefined> {
  const { errorCode } = await ask(probePath, {
    method: "GET",
    path: "/",
    host: "probe.isthmus.invalid",
    body: "",
  });
  return errorCode;
}

interface Answer {
  /** JSON; undefined if it is something else. */
  readonly body: unknown;
  readonly errorCode?: string;
}

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly body: string;
}

async function ask(socketPath: string, { method, path, host, body }: Ask): Promise<Answer> {
  const headers = { host };
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = request({ socketPath, method, path, agent: false, headers, signal });
  outgoing.end(body);
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  const errorCode = incoming.headers["isthmus-error"];
  const parsed: unknown = await json(incoming).catch(() => undefined);
  return { body: parsed, ...(typeof errorCode === "string" && { errorCode }) };
}
