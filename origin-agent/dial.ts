// The one place where the agent opens a socket to an endpoint. Slice and allow list are both asked before and, for host
// names, on the addresses that they resolve to.
import { readFileSync } from "node:fs";
import { connect as connectTcp, isIP } from "node:net";
import type { Socket, TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ConnectionOptions, SecureContext } from "node:tls";
import type { BackendTls } from "#contract/backend-tls.ts";
import { type BackendProtocol, speaksHttp2, speaksTls } from "#contract/snapshot.ts";
import { applyConnectTo, type ConnectTo } from "#traffic/connection/connect-to.ts";
import { AgentError } from "./agent-error.ts";
import { dialRefused } from "./dial-policy.ts";
import type { DialPolicy } from "./dial-policy.ts";
import { type EndpointTls, identityProblem } from "./endpoint-tls.ts";

export interface DialTarget {
  readonly address: string;
  readonly port: number;
  readonly protocol: BackendProtocol;
  readonly tls?: BackendTls | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** Keep the socket open for writing after the endpoint has ended its side. */
  readonly halfOpen?: boolean;
  /** What goes first, before TLS, too. Absent: nothing. */
  readonly header?: Uint8Array;
}

/** Opens a socket to `target`; the callback runs once, when it is ready for bytes or has failed. */
export type Dial = (target: DialTarget, callback: (error: Error | null, socket?: Socket) => void) => void;

export interface DialOptions {
  readonly policy: DialPolicy;
  /** Where the target says nothing. */
  readonly connectTimeoutMs: number;
  readonly endpointTls: EndpointTls;
  /** Other addresses to dial in place of some endpoints'. */
  readonly connectTo?: readonly ConnectTo[];
}

export function createDial({ policy, connectTimeoutMs, endpointTls, connectTo = [] }: DialOptions): Dial {
  return (target, callback) => {
    const { host, port } = applyConnectTo(connectTo, target.address, target.port);
    if (isIP(host) !== 0 && !policy.permits(host, port)) {
      process.nextTick(callback, dialRefused(host, port));
      return;
    }
    const tcp: TcpNetConnectOpts = {
      host,
      port,
      lookup: policy.lookupFor(port),
      noDelay: true,
      keepAlive: true,
      allowHalfOpen: target.halfOpen === true,
    };
    const timeoutMs = target.connectTimeoutMs ?? connectTimeoutMs;
    const plain = (opened: Parameters<Dial>[1]) =>
      whenReady(connectTcp(tcp), "connect", timeoutMs, (error, socket) => {
        if (socket && target.header && target.header.length > 0) socket.write(target.header);
        opened(error, socket);
      });
    if (!speaksTls(target.protocol)) return plain(callback);
    const secure = (context: SecureContext, lower: LowerOptions, leftMs: number) =>
      whenReady(connectTls(tlsOptions(lower, target, context)), "secureConnect", leftMs, callback);
    const startedMs = performance.now();
    endpointTls(target.tls).then(
      // Outside of the promise: what the callback throws is nobody's rejection.
      (context) =>
        process.nextTick(() => {
          if (!target.header?.length) return secure(context, tcp, timeoutMs);
          plain((error, socket) => {
            if (!socket) return callback(error);
            // Whatever becomes of it, TLS tells.
            socket.on("error", () => undefined);
            secure(context, { socket }, Math.max(timeoutMs - (performance.now() - startedMs), 1));
          });
        }),
      (error: Error) => process.nextTick(callback, error),
    );
  };
}

type LowerOptions = TcpNetConnectOpts | { readonly socket: Socket };

/** Calls back when the socket is ready for bytes, or has failed, or its time is up. */
function whenReady(
  socket: Socket,
  readyEvent: "connect" | "secureConnect",
  timeoutMs: number,
  callback: Parameters<Dial>[1],
): void {
  const timer = setTimeout(() => {
    socket.destroy(
      Object.assign(new Error(`connect timed out after ${timeoutMs} ms`), { code: "ETIMEDOUT" }),
    );
  }, timeoutMs);
  const settle = (error: Error | null) => {
    clearTimeout(timer);
    socket.off("error", settle).off(readyEvent, ready);
    if (error) callback(error);
    else callback(null, socket);
  };
  const ready = () => settle(null);
  socket.on("error", settle).on(readyEvent, ready);
}

function tlsOptions(
  lower: LowerOptions,
  { address, protocol, tls }: DialTarget,
  secureContext: SecureContext,
): ConnectionOptions {
  const name = tls?.hostname ?? address;
  return {
    ...lower,
    secureContext,
    // RFC 6066 §3: no address literals in SNI.
    ...(isIP(name) === 0 && { servername: name }),
    ALPNProtocols: [speaksHttp2(protocol) ? "h2" : "http/1.1"],
    rejectUnauthorized: tls?.insecureSkipVerify !== true,
    checkServerIdentity: (_host, certificate) => identityProblem(tls, address, certificate),
  };
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
