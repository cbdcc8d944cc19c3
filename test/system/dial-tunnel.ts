// An agent that may be a thief: opens a tunnel with whatever certificate, proof and headers a test gives it.
import { WebSocket, type RawData } from "ws";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { exportPrivateKeyPem, type CryptoKeyPair } from "#contract/identity/key-pair.ts";
import { encodePem } from "#contract/identity/pem.ts";
import { signProof } from "#contract/identity/proof.ts";
import { agentSettings } from "#contract/tunnel/settings.ts";
import { dialledProtocols } from "#contract/tunnel/target.ts";
import { AgentHandshake } from "#traffic/tunnel/agent-handshake.ts";

export interface TunnelEdge {
  readonly port: number;
  /** Roots of its certificate, PEM. */
  readonly ca: string;
}

export interface Identity {
  chain: Uint8Array[];
  keys: CryptoKeyPair;
}

export interface Dial {
  tunnel?: string;
  /** Shard that the handshake names, so that the hub's process ends TLS; unless given, the front door does. */
  named?: number | undefined;
  /** Of the request. */
  shard?: number;
  /** Certificate of the TLS connection. */
  transport?: Identity | undefined;
  /** Certificate that the proof speaks of; the transport's unless given. */
  proved?: Identity;
  /** Key that signs the proof; that of the proved certificate unless given. */
  signer?: CryptoKeyPair;
  /** Sent in place of the proof. */
  replay?: Uint8Array;
  headers?: Record<string, string>;
}

export interface Outcome {
  /** `ready`, or the code of the refusal. */
  verdict: string;
  proof?: Uint8Array;
  socket?: WebSocket;
}

export const chainPem = ({ chain }: Identity): string =>
  chain.map((der) => encodePem("CERTIFICATE", new Uint8Array(der))).join("");

/** Opens a connection as an agent would, but for what `attempt` changes. */
export async function dialTunnel({ port, ca }: TunnelEdge, attempt: Dial): Promise<Outcome> {
  const {
    tunnel = "production",
    named,
    shard = 0,
    transport,
    proved = transport,
    signer,
    replay,
    headers = {},
  } = attempt;
  const authority = `localhost:${port}`;
  const path = "/.well-known/isthmus/tunnel";
  const socket = new WebSocket(`wss://${authority}${path}?tunnel=${tunnel}&shard=${shard}`, {
    ca,
    headers,
    perMessageDeflate: false,
    ...(named !== undefined && { ALPNProtocols: dialledProtocols(named) }),
    ...(transport && {
      cert: chainPem(transport),
      key: await exportPrivateKeyPem(transport.keys.privateKey),
    }),
  });
  const handshake =
    proved &&
    new AgentHandshake({
      authority,
      path,
      certificateChain: proved.chain,
      serial: parseCertificate(new Uint8Array(proved.chain[0]!)).serial,
      sign: (input) => signProof((signer ?? proved.keys).privateKey, input),
      instance: "test",
      settings: agentSettings,
    });
  return new Promise((done, fail) => {
    let proof: Uint8Array | undefined;
    socket.once("unexpected-response", (_request, incoming) => {
      let text = "";
      incoming.on("data", (chunk: Buffer) => (text += chunk.toString()));
      incoming.once("end", () => done({ verdict: (JSON.parse(text) as { code: string }).code }));
    });
    socket.once("error", fail);
    socket.once("close", (code) => done({ verdict: `closed ${code}` }));
    socket.on("message", async (data: RawData) => {
      if (!handshake) return done({ verdict: "challenged without a certificate" });
      const step = await handshake.receive(new Uint8Array(data as Buffer), Math.floor(Date.now() / 1000));
      if (step.type === "send") {
        proof = step.message;
        return socket.send(replay ?? step.message);
      }
      socket.removeAllListeners("message");
      if (step.type === "ready") done({ verdict: "ready", socket, ...(proof && { proof }) });
      else done({ verdict: step.refused.code });
    });
  });
}
