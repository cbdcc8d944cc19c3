// What `isthmus serve` was asked for, checked and with defaults filled in.
import type { ConnectTo } from "#traffic/connection/connect-to.ts";
import type { AuthorityFiles } from "../authority-files.ts";

export interface ServeOptions {
  readonly files: readonly string[];
  /** Absolute. */
  readonly dataDirectory: string;
  readonly control: HostPort;
  /** Absent: no agents. */
  readonly tunnel?: HostPort;
  /** Names and addresses, besides those of this machine, under which agents dial the tunnel's port. */
  readonly tunnelNames: readonly string[];
  /** Address that listeners bind, or {@link everyAddress}. */
  readonly host: string;
  readonly processes: number;
  readonly portOffset: number;
  readonly connectTo: readonly ConnectTo[];
  readonly devTls: boolean;
  /** Warnings refuse the configuration, too. */
  readonly strict: boolean;
  /** Kubernetes objects with errors are left out instead of refusing everything. */
  readonly isolate: boolean;
  readonly trustDomain: string;
  /** An authority of the operator's own, absolute paths; absent: the control makes one. */
  readonly authority?: AuthorityFiles;
  readonly region: string;
  /** Zone of this machine, as endpoints name theirs. */
  readonly zone?: string;
  /** Time that requests under way have to finish when a process is stopped or replaced. */
  readonly drainTimeoutMs: number;
}

/** IPv4 and IPv6. */
export const everyAddress = "*";

export interface HostPort {
  /** Address, or {@link everyAddress} where that is possible. */
  readonly host: string;
  readonly port: number;
}
