// Door to the hubs for connections, in the process that owns the objects. Bound to a Unix socket that only the
// supervisor's own processes can open, never to a listener.
import { WorkerEntrypoint } from "cloudflare:workers";
import { readAsk, writeMessage } from "../connection/hub-connection.ts";
import type { Env } from "../env.ts";
import { objectNamespace } from "../objects.ts";

export class HubDoor extends WorkerEntrypoint<Env> {
  /** Never rejects: whoever connected sees it in the bytes. */
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
}
