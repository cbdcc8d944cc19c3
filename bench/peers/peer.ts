// What the gateway is compared with. Each peer forwards every request to the same origin, on the measured core.
import type { Running } from "../process.ts";

export interface PeerContext {
  originPort: number;
  /** Scratch directory of this peer alone. */
  directory: string;
}

export interface RunningPeer {
  url: string;
  host: string;
  /** Of every request of the load. */
  headers?: Readonly<Record<string, string>>;
  running: Running;
  /** The other end of a tunnel, on the load's core. */
  far?: Running;
  /** Of the processes whose work grows with the requests; absent: `running` and its descendants. */
  busyPids?: readonly number[];
  stop(): Promise<void>;
}

export interface Peer {
  name: string;
  /** Program that must be installed; absent: always there after `npm ci`. */
  needs?: string;
  start(context: PeerContext): Promise<RunningPeer>;
}
