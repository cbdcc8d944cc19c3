// What the supervisor tells the process of a hub's shard, as its argument and over its channel.
import type { KeyPair } from "../front-door/settings.ts";

export interface HubSettings {
  readonly shard: number;
  /** Path of the control's internal socket. */
  readonly control: string;
  /** Path of the state process's socket. */
  readonly state: string;
  readonly region: string;
  /** Where front doors have the sockets on which they take informational answers. */
  readonly runDirectory: string;
  /** Zone that the hub runs in, if it is known. */
  readonly zone?: string;
  /** Inherited listening sockets: for requests of gateways and of the region, for connections, and for the tunnel's door. */
  readonly fds: Readonly<Record<HubSocket, number>>;
}

export const hubSockets = ["hub", "connections", "tunnel"] as const;
export type HubSocket = (typeof hubSockets)[number];

/** For agents whose connections are given to this process. */
export interface TunnelTls {
  readonly certificate: KeyPair;
  /** Whom their certificates must descend from, PEM. */
  readonly trustPem: string;
}

/** Supervisor to hub. `connection`: comes with a socket of which `start`, in base64, has been read. */
export type HubCommand =
  ({ readonly type: "tls" } & TunnelTls) | { readonly type: "connection"; readonly start: string };

/** To the supervisor. */
export interface HubEvent {
  readonly type: "listening";
}
