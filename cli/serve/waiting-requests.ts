// What waits in the kernel for a process that accepts clients, as /proc tells it: Linux only.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface WaitingRequests {
  /** Connections that the process has, with bytes that it has not read. */
  readonly unread: number;
  /** Connections in the queues of its listening sockets, which nobody has accepted. */
  readonly queued: number;
}

/** On `ports`. Undefined where the system does not tell, or the process has ended. */
export function waitingRequests(pid: number, ports: ReadonlySet<number>): WaitingRequests | undefined {
  try {
    const inodes = socketInodes(pid);
    const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFileSync(path, "utf8"));
    return countWaiting(tables.join("\n"), inodes, ports);
  } catch {
    return undefined;
  }
}

function socketInodes(pid: number): Set<string> {
  const directory = `/proc/${pid}/fd`;
  const inodes = new Set<string>();
  for (const fd of readdirSync(directory)) {
    const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`${directory}/${fd}`))?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  return inodes;
}

/** Empty when it has been closed since. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** State of a socket that listens; its receive queue counts connections, those of others bytes (proc_net_tcp.txt). */
const listening = "0A";

export function countWaiting(
  table: string,
  inodes: ReadonlySet<string>,
  ports: ReadonlySet<number>,
): WaitingRequests {
  let unread = 0;
  let queued = 0;
  for (const line of table.split("\n")) {
    const [, local = "", , state, queues = "", , , , , inode = ""] = line.trim().split(/\s+/);
    if (!inodes.has(inode) || !ports.has(hexAfterColon(local))) continue;
    const waiting = hexAfterColon(queues);
    if (state === listening) queued += waiting;
    else if (waiting > 0) unread += 1;
  }
  return { unread, queued };
}

function hexAfterColon(text: string): number {
  return Number.parseInt(text.slice(text.indexOf(":") + 1), 16);
}
