// Bindings of the gateway worker: `wrangler.toml` on Cloudflare, the supervisor's workerd configuration under
// `isthmus serve`.
import type { SocketPlace } from "#contract/listener-place.ts";

export interface Env {
  /** Namespaces of the objects, where they live in this process or account. */
  readonly REGION_STATE?: DurableObjectNamespace;
  readonly TUNNEL_HUB?: DurableObjectNamespace;
  readonly RATE_LIMITER?: DurableObjectNamespace;
  /** The `StateDoor` of the process that owns the objects, where this one does not (decision 0001). */
  readonly STATE?: Fetcher;
  /** The process that has a shard's hubs, where none live here (decision 0011). */
  readonly [hub: `hub:${string}`]: Fetcher | undefined;
  /** The same for connections. On Cloudflare there are none. */
  readonly [connections: `connections:${string}`]: Fetcher | undefined;
  /** Name of this run of a gateway process, so that hubs can tell its WebSockets from others'. */
  readonly PROCESS?: string;
  /** Its number among the processes that share the listeners' ports, from 0, and how many there are: `0/4`. */
  readonly PROCESS_SHARE?: string;
  /** The control worker's `Internal` entry point. */
  readonly CONTROL: Fetcher;
  /** Last good snapshot, under the key `snapshot`. */
  readonly SNAPSHOTS: KVNamespace;
  /** Signs sessions and keys sticky splits; absent: made up by each isolate, so that neither outlives it. */
  readonly SESSION_SECRET?: string;
  /** Zone that the gateway runs in, as endpoints name it. */
  readonly ZONE?: string;
  /** Which gateways share one state object; absent: `default`. */
  readonly REGION?: string;
  /** Host name on which agents join and open tunnels when there is no listener of their own; empty: nowhere. */
  readonly TUNNEL_HOSTNAME?: string;
  /** `--connect-to` rules as JSON (see `state/connect-to.ts`); absent: every endpoint is dialled where it says. */
  readonly CONNECT_TO?: string;
  /** Direct endpoints as services that keep the client's Host (decision 0003). */
  readonly [direct: `direct:${string}`]: Fetcher | undefined;
  readonly [directTls: `direct-tls:${string}`]: Fetcher | undefined;
}

/** Facts about the socket that the supervisor gives the Worker with it; nothing a client can write. */
export interface SocketProps extends SocketPlace {
  /** It carries connections as they are; absent: requests. */
  readonly tcp?: true;
  /** Each connection begins with the PROXY protocol of the front door. */
  readonly proxied?: true;
}
