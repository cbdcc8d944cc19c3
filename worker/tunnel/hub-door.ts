// Door of a process that has hubs and nothing else (decision 0011): other processes reach a hub through it, and the
// supervisor all of them at once. Bound to a Unix socket that only the supervisor's own processes can open.
import { WorkerEntrypoint } from "cloudflare:workers";
import { hubCalls, hubLoadSchema, type HubLoad } from "#contract/hub-call.ts";
import { readAsk, writeMessage } from "../connection/hub-connection.ts";
import type { Env } from "../env.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { objectUrl } from "#contract/object-path.ts";
import { objectFetch, objectNamespace } from "../objects.ts";
import { answerForObject } from "../state-door.ts";
import { hubsHere } from "./hubs-here.ts";

const calls: ReadonlySet<string> = new Set(Object.values(hubCalls));

export class HubDoor extends WorkerEntrypoint<Env> {
  override fetch(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url);
    const isForAll = !request.headers.has(internalHeaders.object) && calls.has(pathname);
    return isForAll ? this.#askAll(pathname, request) : answerForObject(request, this.env);
  }

  /** A connection to an endpoint, by way of the hub that it asks for. Never rejects: whoever connected sees it in the bytes. */
  override async connect(socket: Socket): Promise<void> {
    socket.closed.catch(() => undefined);
    let hub: Socket | undefined;
    try {
      const namespace = objectNamespace(this.env, "TunnelHub");
      if (!namespace) throw new Error("no hubs in this process");
      const ask = await readAsk(socket);
      hub = namespace.get(namespace.idFromName(ask.hub)).connect("hub:1", { allowHalfOpen: true });
      hub.closed.catch(() => undefined);
      await writeMessage(hub, ask);
      await Promise.all([socket.readable.pipeTo(hub.writable), hub.readable.pipeTo(socket.writable)]);
    } catch {
      // Either side broke off, which closing tells the other.
    } finally {
      for (const end of [socket, hub]) end?.close().catch(() => undefined);
    }
  }

  async #askAll(path: string, request: Request): Promise<Response> {
    const body = await request.text();
    const loads = await Promise.all([...hubsHere].map((name) => this.#ask(name, path, body)));
    return Response.json(sumOf(loads));
  }

  async #ask(name: string, path: string, body: string): Promise<HubLoad> {
    const call = new Request(objectUrl("TunnelHub", name, path), { method: "POST", body });
    const answer = await objectFetch(this.env, "TunnelHub", name, call);
    return hubLoadSchema.parse(await answer.json());
  }
}

function sumOf(loads: readonly HubLoad[]): HubLoad {
  return {
    serving: loads.reduce((sum, { serving }) => sum + serving, 0),
    streams: loads.reduce((sum, { streams }) => sum + streams, 0),
    // Without a hub nobody has asked for anything.
    quietMs: Math.min(...loads.map(({ quietMs }) => quietMs), Number.MAX_SAFE_INTEGER),
  };
}
