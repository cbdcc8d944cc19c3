// The agent's half of the handshake: answers the hub's challenge with a proof and waits for its verdict. No I/O.
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import type { CloseCode } from "#contract/tunnel/code.ts";
import { challengeSchema, protocolVersions, readySchema, refusedSchema } from "#contract/tunnel/handshake.ts";
import type { Challenge, Proof, Refused } from "#contract/tunnel/handshake.ts";
import { decodeBase64, encodeBase64 } from "#contract/identity/pem.ts";
import type { ProofInput } from "#contract/identity/proof.ts";
import type { TunnelSettings } from "#contract/tunnel/settings.ts";
import { handshakeMessage, parseHandshake, parseHandshakeMessage } from "./handshake-message.ts";

export interface AgentHandshakeOptions {
  /** As dialled: lower case, default port left out. */
  readonly authority: string;
  /** As dialled, without query. */
  readonly path: string;
  /** Leaf first, DER; the leaf is the certificate of the TLS connection. */
  readonly certificateChain: readonly Uint8Array[];
  /** Serial of the leaf, lower-case hex without leading zeros. */
  readonly serial: string;
  /** Signs with the leaf's key (`signProof`). */
  sign(input: ProofInput): Promise<Uint8Array>;
  /** Name of this agent, for people. */
  readonly instance: string;
  readonly zone?: string;
  readonly agentVersion?: string;
  readonly settings: TunnelSettings;
}

export type AgentHandshakeStep =
  /** Send this message and wait for the next. */
  | { readonly type: "send"; readonly message: Uint8Array }
  /** Authenticated: make a session; further messages are its. */
  | { readonly type: "ready"; readonly connection: string; readonly remote: TunnelSettings }
  /** Close with `closeTable[close].number`, sending `message` before if there is one. */
  | {
      readonly type: "refused";
      readonly refused: Refused;
      readonly close: CloseCode;
      readonly message?: Uint8Array;
    };

export class AgentHandshake {
  readonly #options: AgentHandshakeOptions;
  #challenge: Challenge | undefined;

  constructor(options: AgentHandshakeOptions) {
    this.#options = options;
  }

  /** Handles a message of the hub; never rejects but when `sign` does. Hand over messages one after the other. */
  async receive(message: Uint8Array, nowS: number): Promise<AgentHandshakeStep> {
    try {
      const frame = parseHandshakeMessage(message);
      if (frame.type === "refused") {
        return { type: "refused", refused: parseHandshake(refusedSchema, frame), close: "normal" };
      }
      if (frame.type === "challenge" && !this.#challenge) {
        this.#challenge = parseHandshake(challengeSchema, frame);
        return await this.#prove(this.#challenge, nowS);
      }
      if (frame.type === "ready" && this.#challenge) {
        const { settings } = parseHandshake(readySchema, frame);
        return { type: "ready", connection: this.#challenge.connection, remote: settings };
      }
      throw new TunnelProtocolError("protocol_error", `a ${frame.type} frame out of place in the handshake`);
    } catch (error) {
      if (!(error instanceof TunnelProtocolError)) throw error;
      return refusal(error.code, error.message);
    }
  }

  async #prove(challenge: Challenge, nowS: number): Promise<AgentHandshakeStep> {
    const { minVersion, maxVersion, nonce } = challenge;
    const version = Math.min(maxVersion, protocolVersions.max);
    if (version < minVersion || version < protocolVersions.min) {
      return refusal(
        "version_unsupported",
        `the hub speaks versions ${minVersion} to ${maxVersion} of the protocol, this agent ${protocolVersions.min} to ${protocolVersions.max}`,
      );
    }
    const { authority, path, serial, certificateChain, instance, zone, agentVersion, settings } =
      this.#options;
    const input = { nonce: decodeBase64(nonce), authority, path, createdS: nowS, keyId: serial };
    const proof: Proof = {
      version,
      nonce,
      certificateChain: certificateChain.map((der) => encodeBase64(der)),
      createdS: nowS,
      signature: encodeBase64(await this.#options.sign(input)),
      instance,
      ...(zone !== undefined && { zone }),
      ...(agentVersion !== undefined && { agentVersion }),
      settings,
    };
    return { type: "send", message: handshakeMessage("proof", proof) };
  }
}

function refusal(close: CloseCode, message: string): AgentHandshakeStep {
  const refused = { code: close, message };
  return { type: "refused", refused, close, message: handshakeMessage("refused", refused) };
}
