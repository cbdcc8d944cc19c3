// Binds listening sockets for other processes to accept on. Node itself would accept as soon as its event loop polls, so
// the caller hands them on in the same turn: nothing here waits for I/O.
import { once } from "node:events";
import { renameSync } from "node:fs";
import { createServer, isIPv6, type ListenOptions, type Server } from "node:net";
import { CommandError, systemCode } from "../command-error.ts";
import { hostPort } from "./direct-endpoints.ts";
import type { PlannedSocket, SocketAddress } from "./socket-plan.ts";

export interface BoundSocket {
  readonly socket: PlannedSocket;
  readonly fd: number;
}

export interface BoundSockets {
  readonly bound: readonly BoundSocket[];
  /** Closes this process's copies. */
  close(): void;
}

/** Connections that nobody has accepted yet: what covers the restart of a process. */
const backlog = 511;

/** Throws `CommandError` that names the address when one cannot be had; then none stays bound. */
export async function bindSockets(planned: readonly PlannedSocket[]): Promise<BoundSockets> {
  const servers: Server[] = [];
  const bound: BoundSocket[] = [];
  const close = (): void => {
    for (const server of servers) server.close();
  };
  try {
    for (const group of Map.groupBy(everyAddressFirst(planned), ({ address }) =>
      JSON.stringify(address),
    ).values()) {
      const address = group[0]!.address;
      const own = await bindAddress(address, group.length, overlapOf(address, planned));
      servers.push(...own);
      if (own.length === 0) continue;
      for (const [index, socket] of group.entries()) {
        bound.push({ socket, fd: descriptor(own[index % own.length]!) });
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  return { bound, close };
}

/** Binding every address of a port shows that nobody else is at any of them; one that has a socket is taken. */
function everyAddressFirst(planned: readonly PlannedSocket[]): PlannedSocket[] {
  return [...planned].sort((a, b) => Number(!isEveryAddress(a.address)) - Number(!isEveryAddress(b.address)));
}

function isEveryAddress(address: SocketAddress): boolean {
  return "host" in address && (address.host === "0.0.0.0" || address.host === "::");
}

type Overlap = "every" | "named" | undefined;

/** Whether the port has sockets for every address and for named ones, of which the kernel takes the more exact. */
function overlapOf(address: SocketAddress, planned: readonly PlannedSocket[]): Overlap {
  if (!("host" in address)) return undefined;
  const others = planned.filter(
    (one) =>
      "host" in one.address &&
      one.address.port === address.port &&
      isIPv6(one.address.host) === isIPv6(address.host),
  );
  const isMixed =
    others.some((one) => isEveryAddress(one.address)) && !others.every((one) => isEveryAddress(one.address));
  if (!isMixed) return undefined;
  return isEveryAddress(address) ? "every" : "named";
}

/** One socket for each of `count` processes, one for all where the system cannot spread; none where it lacks IPv6. */
async function bindAddress(address: SocketAddress, count: number, overlap: Overlap): Promise<Server[]> {
  try {
    // A lone bind shows that nobody else is there: SO_REUSEPORT would silently share the port with another system of the
    // same user.
    if (overlap !== "named") {
      const alone = await listen(address, false);
      if (count === 1 && !overlap) return [alone];
      alone.close();
    }
    const servers: Server[] = [];
    while (servers.length < count) servers.push(await listen(address, true));
    return servers;
  } catch (error) {
    const code = systemCode(error);
    if (code === "ENOTSUP" && count > 1) return bindAddress(address, 1, undefined);
    const isOptional = "host" in address && address.host === "::";
    if (isOptional && (code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL")) return [];
    throw bindError(address, code, error);
  }
}

async function listen(address: SocketAddress, reusePort: boolean): Promise<Server> {
  const server = createServer();
  const isPath = "path" in address;
  // libuv removes a Unix socket's path when it closes the socket; under another name it stays for who inherits it.
  const options: ListenOptions = isPath
    ? { path: `${address.path}.new`, backlog }
    : { ...address, backlog, ipv6Only: address.host === "::", ...(reusePort && { reusePort }) };
  server.listen(options);
  await once(server, "listening");
  if (isPath) renameSync(`${address.path}.new`, address.path);
  return server;
}

/** Node has no public way to a server's descriptor; `_handle.fd` is what its own child_process uses. */
function descriptor(server: Server): number {
  const handle = (server as unknown as { _handle: { fd: number } })._handle;
  return handle.fd;
}

function bindError(address: SocketAddress, code: string | undefined, cause: unknown): CommandError {
  const place = "path" in address ? address.path : hostPort(address.host, address.port);
  const remedies: Record<string, string> = {
    EADDRINUSE: "Stop what listens there, or move the listeners with --port-offset N (--control, --tunnel).",
    EACCES: "Ports below 1024 need privileges; move the listeners with --port-offset N.",
  };
  return new CommandError("failure", `cannot listen on ${place}: ${code ?? String(cause)}`, {
    remedy: code === undefined ? undefined : remedies[code],
    cause,
  });
}
