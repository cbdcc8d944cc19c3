// What the supervisor tells the process of a hub's shard, as its argument.

export interface HubSettings {
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

/** To the supervisor. */
export interface HubEvent {
  readonly type: "listening";
}
