// Raw connections to endpoints: for health probes, and to tell a dead endpoint from one that broke off.
import { connect } from "cloudflare:sockets";
import { withTimeLimit } from "../time-limit.ts";

export interface DialTarget {
  /** IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Opens a connection. Rejects when it cannot be had within `timeoutMs`. The caller closes it. */
export async function dial({ address, port, secure }: DialTarget, timeoutMs: number): Promise<Socket> {
  const socket = connect(
    { hostname: address.includes(":") ? `[${address}]` : address, port },
    { secureTransport: secure ? "on" : "off", allowHalfOpen: false },
  );
  // Also rejected when the connection fails; nobody else listens.
  socket.closed.catch(() => undefined);
  try {
    await withTimeLimit<unknown>(socket.opened, timeoutMs, () => {
      throw new Error(`no connection within ${timeoutMs} ms`);
    });
    return socket;
  } catch (error) {
    void socket.close().catch(() => undefined);
    throw error;
  }
}

export async function canConnect(target: DialTarget, timeoutMs: number): Promise<boolean> {
  try {
    const socket = await dial(target, timeoutMs);
    void socket.close().catch(() => undefined);
    return true;
  } catch {
    return false;
  }
}
