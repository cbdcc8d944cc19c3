// Raw connections to endpoints: for health probes, and to tell a dead endpoint from one that broke off or is late.
import { connect } from "cloudflare:sockets";
import { withTimeLimit } from "../time-limit.ts";

export interface DialTarget {
  /** IPv6 without brackets. */
  readonly address: string;
  readonly port: number;
  readonly secure: boolean;
}

/** Opens a connection. Rejects when it cannot be had within `timeoutMs`. The caller closes it. */
export async function dial(target: DialTarget, timeoutMs: number): Promise<Socket> {
  const socket = open(target);
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

function open({ address, port, secure }: DialTarget): Socket {
  const socket = connect(
    { hostname: address.includes(":") ? `[${address}]` : address, port },
    { secureTransport: secure ? "on" : "off", allowHalfOpen: false },
  );
  // Also rejected when the connection fails; nobody else listens.
  socket.closed.catch(() => undefined);
  return socket;
}

/** A gateway that stood still itself must not blame the endpoint: each piece of the wait ends after its turn of the loop. */
const waitPieces = 4;

/** Whether a connection is opened or refused within `timeoutMs`. Never rejects. */
export async function answersDial(target: DialTarget, timeoutMs: number): Promise<boolean> {
  let socket: Socket;
  try {
    socket = open(target);
  } catch {
    // What the platform does not let us look at is taken to be there.
    return true;
  }
  const settled = socket.opened.then(
    () => true,
    () => true,
  );
  let answered = false;
  for (let piece = 0; piece < waitPieces && !answered; piece += 1)
    answered = await withTimeLimit(settled, timeoutMs / waitPieces, () => false);
  void socket.close().catch(() => undefined);
  return answered;
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
