// The one place where the agent opens a socket to an endpoint. Slice and allow list are both asked before and, for host
// names, on the addresses that they resolve to.
import { readFileSync } from "node:fs";
import { connect as connectTcp, isIP } from "node:net";
import type { Socket, TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import { type BackendProtocol, speaksHttp2, speaksTls } from "#contract/snapshot.ts";
import { AgentError } from "./agent-error.ts";
import { dialRefused } from "./dial-policy.ts";
import type { DialPolicy } from "./dial-policy.ts";

export interface DialTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: BackendProtocol;
  /** Keep the socket open for writing after the endpoint has ended its side. */
  readonly halfOpen?: boolean;
}

/** Opens a socket to `target`; the callback runs once, when it is ready for bytes or has failed. */
export type Dial = (target: DialTarget, callback: (error: Error | null, socket?: Socket) => void) => void;

export interface DialOptions {
  readonly policy: DialPolicy;
  readonly connectTimeoutMs: number;
  /** PEM roots for HTTPS endpoints; absent: the system's. */
  readonly endpointCaPem?: string;
}

/** HTTPS endpoints are always verified, against their address: a name's certificate, or an address in it. */
export function createDial({ policy, connectTimeoutMs, endpointCaPem }: DialOptions): Dial {
  return (target, callback) => {
    const { address, port, protocol } = target;
    if (isIP(address) !== 0 && !policy.permits(address, port)) {
      process.nextTick(callback, dialRefused(address, port));
      return;
    }
    const tcp: TcpNetConnectOpts = {
      host: address,
      port,
      lookup: policy.lookupFor(port),
      noDelay: true,
      keepAlive: true,
    };
    const socket = speaksTls(protocol) ? connectTls(tlsOptions(tcp, target, endpointCaPem)) : connectTcp(tcp);
    const timer = setTimeout(() => {
      socket.destroy(
        Object.assign(new Error(`connect timed out after ${connectTimeoutMs} ms`), { code: "ETIMEDOUT" }),
      );
    }, connectTimeoutMs);
    const settle = (error: Error | null) => {
      clearTimeout(timer);
      socket.off("error", settle).off(readyEvent, ready);
      if (error) callback(error);
      else callback(null, socket);
    };
    const ready = () => settle(null);
    const readyEvent = speaksTls(protocol) ? "secureConnect" : "connect";
    socket.on("error", settle).on(readyEvent, ready);
  };
}

function tlsOptions(tcp: TcpNetConnectOpts, { address, protocol }: DialTarget, ca: string | undefined) {
  // RFC 6066 §3: no address literals in SNI. Node then verifies against the address (`host`).
  const servername = isIP(address) === 0 ? { servername: address } : {};
  const ALPNProtocols = [speaksHttp2(protocol) ? "h2" : "http/1.1"];
  return { ...tcp, ...servername, ...(ca === undefined ? {} : { ca }), ALPNProtocols };
}

/** Reads the roots for HTTPS endpoints. Throws `AgentError` `options_invalid`. */
export function readEndpointCaFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new AgentError("options_invalid", `cannot read --endpoint-ca-file ${path}: ${String(error)}`, {
      cause: error,
    });
  }
}
