// What the supervisor tells a front door over its channel, at the start and whenever a certificate changes.
import type { ConnectionLimits } from "#contract/connection-limits.ts";
import type { AcceptedProxyProtocol } from "#traffic/connection/proxy-senders.ts";

export interface KeyPair {
  /** Leaf first; PEM. */
  readonly certPem: string;
  readonly keyPem: string;
}

/** What clients have to show. */
export interface ClientPolicy {
  /** `https`, `tls`: whether clients are asked for a certificate, and let in without a valid one. Absent: they are not asked. */
  readonly clientCertificates?: "required" | "optional";
  /** Whom client certificates must descend from, PEM. Empty: nobody is asked for one. */
  readonly trustPem: string;
  /** Lists of client certificates that do not count any more, PEM each. Empty: none is looked up. */
  readonly crls: readonly string[];
}

/** That of clients who ask for one of these server names; without any: of all others. */
export interface NamedPolicy extends ClientPolicy {
  readonly hostnames: readonly string[];
}

export interface ListenerSettings extends ClientPolicy {
  readonly name: string;
  /**
   * `https` and `http`: clients' requests; `tls`: their connections of anything else; `tunnel`: agents, asked for a
   * certificate.
   */
  readonly kind: "https" | "http" | "tls" | "tunnel";
  /** Inherited listening sockets. */
  readonly fds: readonly number[];
  /** Unix sockets of the workerd processes behind: of one gateway for clients, of each hub, by shard, for agents. */
  readonly upstreams: readonly string[];
  /** At least one but for `http`; the first serves names that none of them carries. */
  readonly certificates: readonly KeyPair[];
  /** `https`: in place of the one policy, where listeners of the port have several, or other TLS passes through. */
  readonly policies?: readonly NamedPolicy[];
  /** `https`: TLS for these server names (an empty one: for all others) is not ended here, but goes on as it is. */
  readonly passed?: { readonly hostnames: readonly string[]; readonly upstream: string };
  /** `http`: HTTP/2 by prior knowledge, too. */
  readonly http2?: true;
  /** Connections begin with the PROXY protocol. */
  readonly proxyProtocol?: AcceptedProxyProtocol;
  /** `https` and `http`: the part of the listener's limits that this process keeps. */
  readonly connection?: ConnectionLimits;
}

export interface ConfigureCommand {
  readonly type: "configure";
  readonly listeners: readonly ListenerSettings[];
  /** Path of the Unix socket that the process is to open for informational answers; absent for the tunnel's door. */
  readonly informationalSocket?: string;
}

/**
 * Supervisor to front door. `drain`: take no new connection, end when the last request has. `flush`: answered with `flushed`
 * when what was on its way to the process behind has been written.
 */
export type FrontDoorCommand = ConfigureCommand | { readonly type: "drain" } | { readonly type: "flush" };

/** Front door to supervisor. */
export type FrontDoorEvent =
  | { readonly type: "listening" }
  | { readonly type: "flushed" }
  | { readonly type: "failed"; readonly message: string }
  | PassedConnection;

/** With a socket: one of the tunnel's, for the hub of that shard. */
export interface PassedConnection {
  readonly type: "connection";
  readonly shard: number;
  /** What has been read of it, in base64. */
  readonly start: string;
}
