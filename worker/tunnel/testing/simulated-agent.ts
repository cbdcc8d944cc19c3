// An agent for tests of the hub: real certificates, the real handshake and session, pods played by the test.
import { env } from "cloudflare:workers";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import type { FixtureCertificate } from "#contract/identity/identity-fixture.ts";
import { encodeBase64 } from "#contract/identity/pem.ts";
import { signProof } from "#contract/identity/proof.ts";
import type { Trust } from "#contract/sync.ts";
import type { HubPush, HubReport } from "#contract/sync.ts";
import { agentSettings } from "#contract/tunnel/settings.ts";
import { AgentHandshake } from "#traffic/tunnel/agent-handshake.ts";
import type { AgentHandshakeOptions } from "#traffic/tunnel/agent-handshake.ts";
import { TunnelSession } from "#traffic/tunnel/session.ts";
import type { SessionHandlers } from "#traffic/tunnel/session.ts";
import type { Env } from "../../env.ts";
import { objectUrl } from "#contract/object-path.ts";
import { objectFetch } from "../../objects.ts";
import { answerAgent } from "../tunnel-door.ts";

export const bindings = env as unknown as Env;
export const trustDomain = "isthmus.test";
const hourMs = 3_600_000;

export const valid = () => ({ notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs });

export const issueRoot = (): Promise<FixtureCertificate> => issueAuthority("test root", undefined, valid());

export const issueAgent = (
  root: FixtureCertificate,
  tunnel: string,
  changes: Parameters<typeof issueLeaf>[2] = {},
): Promise<FixtureCertificate> =>
  issueLeaf(root, `spiffe://${trustDomain}/agent/${tunnel}`, { ...valid(), ...changes });

export function trustOf(root: FixtureCertificate, changes: Partial<Trust> = {}): Trust {
  return { version: 1, trustDomain, rootsPem: [root.pem], revokedSerials: [], ...changes };
}

export const serialOf = ({ der }: FixtureCertificate): string => parseCertificate(der).serial;

/** Plays the region's state object. */
export async function push(tunnel: string, content: HubPush): Promise<HubReport> {
  const url = objectUrl("TunnelHub", `${tunnel}:0`, "/push");
  const request = new Request(url, { method: "POST", body: JSON.stringify(content) });
  const response = await objectFetch(bindings, "TunnelHub", `${tunnel}:0`, request);
  return response.json();
}

/** Plays the gateway's data path. */
export function ask(tunnel: string, path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers as HeadersInit);
  headers.set("isthmus-operation", "stream");
  headers.set("isthmus-endpoint", "web|10.0.0.1:80");
  const request = new Request(`https://www.example.com${path}`, { ...init, headers });
  return objectFetch(bindings, "TunnelHub", `${tunnel}:0`, request);
}

/** As the front door or Cloudflare's edge: `cf` from what TLS found. */
export function verifiedBy(certificate: FixtureCertificate): unknown {
  return { tlsClientAuth: { certVerified: "SUCCESS", certRFC9440: `:${encodeBase64(certificate.der)}:` } };
}

export function dial(tunnel: string, cf: unknown, headers: HeadersInit = {}): Promise<Response> {
  const request = new Request(`https://edge.test/.well-known/isthmus/tunnel?tunnel=${tunnel}&shard=0`, {
    headers: { ...(headers as Record<string, string>), upgrade: "websocket" },
    cf: cf as RequestInitCfProperties,
  });
  return answerAgent(request, bindings);
}

export interface SimulatedAgent {
  /** Undefined when the hub refused. */
  readonly session: TunnelSession | undefined;
  readonly refused: { readonly code: string; readonly message: string } | undefined;
  readonly socket: WebSocket;
  readonly connection: string;
  /** Close code of the WebSocket. */
  readonly closed: Promise<{ code: number; reason: string }>;
  /** Proof that this agent sent. */
  readonly proof: Uint8Array | undefined;
}

export interface AgentOptions {
  readonly tunnel: string;
  readonly leaf: FixtureCertificate;
  /** Of the TLS connection, where it is another. */
  readonly transport?: FixtureCertificate;
  readonly handshake?: Partial<AgentHandshakeOptions>;
  /** Sent instead of the proof. */
  readonly replay?: Uint8Array;
  readonly handlers?: Partial<SessionHandlers>;
}

export async function startAgent(options: AgentOptions): Promise<SimulatedAgent> {
  const { tunnel, leaf } = options;
  const response = await dial(tunnel, verifiedBy(options.transport ?? leaf));
  const socket = response.webSocket;
  if (!socket) throw new Error(`refused by the door: ${response.status} ${await response.text()}`);
  socket.binaryType = "arraybuffer";
  const handshake = new AgentHandshake({
    authority: "edge.test",
    path: "/.well-known/isthmus/tunnel",
    certificateChain: [leaf.der],
    serial: serialOf(leaf),
    sign: (input) => signProof(leaf.keyPair.privateKey, input),
    instance: "simulated",
    settings: agentSettings,
    ...options.handshake,
  });
  const outcome = Promise.withResolvers<Pick<SimulatedAgent, "session" | "refused" | "connection">>();
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  let session: TunnelSession | undefined;
  let proof: Uint8Array | undefined;
  let queue = Promise.resolve();
  const shake = async (message: Uint8Array): Promise<void> => {
    if (session) return session.receive(message, Date.now());
    const step = await handshake.receive(message, Math.floor(Date.now() / 1_000));
    if (step.type === "send") {
      proof = options.replay ?? step.message;
      socket.send(proof);
    } else if (step.type === "ready") {
      session = new TunnelSession(
        {
          role: "agent",
          local: agentSettings,
          remote: step.remote,
          send: (bytes) => socket.send(bytes),
          schedule: (flush) => queueMicrotask(flush),
          handlers: {
            onStream: () => "refused",
            onControl: () => {},
            onClose: ({ code }) => socket.close(1000, code),
            ...options.handlers,
          },
        },
        Date.now(),
      );
      outcome.resolve({ session, refused: undefined, connection: step.connection });
    } else {
      outcome.resolve({ session: undefined, refused: step.refused, connection: "" });
    }
  };
  socket.addEventListener("message", ({ data }) => {
    const message = new Uint8Array(data as ArrayBuffer);
    if (session) session.receive(message, Date.now());
    else queue = queue.then(() => shake(message));
  });
  socket.addEventListener("close", ({ code, reason }) => {
    session?.lost("closed");
    closed.resolve({ code, reason });
  });
  socket.accept();
  const reached = await outcome.promise;
  return { ...reached, socket, closed: closed.promise, proof };
}
