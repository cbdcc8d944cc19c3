// The hub's half of the handshake: challenges an agent and decides who it is. No I/O; trust and time are arguments.
// Its checks hold without those of the transport, and the transport's hold without these (docs/architecture.md).
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import type { CloseCode } from "#contract/tunnel/code.ts";
import { proofSchema, proofSkewS, protocolVersions } from "#contract/tunnel/handshake.ts";
import type { Proof } from "#contract/tunnel/handshake.ts";
import type { TunnelSettings } from "#contract/tunnel/settings.ts";
import { verifyCertificate } from "#contract/identity/certificate.ts";
import type { VerifiedIdentity } from "#contract/identity/certificate.ts";
import { IdentityError } from "#contract/identity/identity-error.ts";
import { decodeBase64, encodeBase64 } from "#contract/identity/pem.ts";
import { verifyProof } from "#contract/identity/proof.ts";
import type { Trust } from "#contract/sync.ts";
import { handshakeMessage, parseHandshake, parseHandshakeMessage } from "./handshake-message.ts";

export interface HubHandshakeOptions {
  readonly tunnel: string;
  readonly shard: number;
  /** Random id of the connection. */
  readonly connection: string;
  /** 32 random bytes, never used before. */
  readonly nonce: Uint8Array;
  /** Where the agent's upgrade request arrived; from the request, never from the agent's frames. */
  readonly authority: string;
  readonly path: string;
  /** The certificate of the TLS connection as the transport verified it; DER. */
  readonly transportCertificate: Uint8Array;
  readonly settings: TunnelSettings;
}

export type HubHandshakeResult =
  /** Send `message`; a session may begin. */
  | {
      readonly type: "ready";
      readonly message: Uint8Array;
      readonly identity: VerifiedIdentity;
      /** Leaf first; to be verified again when the trust changes. */
      readonly certificateChain: readonly Uint8Array[];
      readonly instance: string;
      readonly zone: string | undefined;
      readonly agentVersion: string | undefined;
      readonly remote: TunnelSettings;
    }
  /** Log `code` and `reason`, send `message` and close with `closeTable[close].number`. */
  | {
      readonly type: "refused";
      readonly code: string;
      readonly reason: string;
      readonly message: Uint8Array;
      readonly close: CloseCode;
    };

export class HubHandshake {
  readonly #options: HubHandshakeOptions;
  readonly #nonceText: string;
  #answered = false;

  constructor(options: HubHandshakeOptions) {
    this.#options = options;
    this.#nonceText = encodeBase64(options.nonce);
  }

  /** The first message of the connection. */
  challenge(): Uint8Array {
    const { connection, tunnel, shard } = this.#options;
    return handshakeMessage("challenge", {
      minVersion: protocolVersions.min,
      maxVersion: protocolVersions.max,
      nonce: this.#nonceText,
      connection,
      tunnel,
      shard,
    });
  }

  /** Judges the agent's one answer. Never rejects. */
  async receive(message: Uint8Array, trust: Trust, nowMs: number): Promise<HubHandshakeResult> {
    try {
      const frame = parseHandshakeMessage(message);
      if (frame.type !== "proof" || this.#answered) {
        throw new TunnelProtocolError(
          "protocol_error",
          `a ${frame.type} frame out of place in the handshake`,
        );
      }
      // Before anything is checked: whatever comes of it, this nonce is used up.
      this.#answered = true;
      const proof = parseHandshake(proofSchema, frame);
      if (proof.version < protocolVersions.min || proof.version > protocolVersions.max) {
        throw new TunnelProtocolError("version_unsupported", `version ${proof.version} was not offered`);
      }
      const certificateChain = proof.certificateChain.map((text) => decodeBase64(text));
      const identity = await this.#verify(proof, certificateChain, trust, nowMs);
      const { settings } = this.#options;
      const ready = handshakeMessage("ready", { version: proof.version, settings });
      const { instance, zone, agentVersion, settings: remote } = proof;
      return {
        type: "ready",
        message: ready,
        identity,
        certificateChain,
        instance,
        zone,
        agentVersion,
        remote,
      };
    } catch (error) {
      if (error instanceof IdentityError) return refusal(error.code, error.message, "unauthenticated");
      if (error instanceof TunnelProtocolError) return refusal(error.code, error.message, error.code);
      return refusal("internal", "the hub could not check the proof", "internal");
    }
  }

  async #verify(proof: Proof, chain: Uint8Array[], trust: Trust, nowMs: number): Promise<VerifiedIdentity> {
    const { tunnel, transportCertificate, nonce, authority, path } = this.#options;
    const identity = await verifyCertificate(chain, trust, nowMs);
    if (identity.tunnel !== tunnel) {
      throw new IdentityError(
        "tunnel_mismatch",
        `the certificate is for tunnel "${identity.tunnel}", this is tunnel "${tunnel}"`,
      );
    }
    if (!sameBytes(identity.leafDer, transportCertificate)) {
      throw new IdentityError(
        "certificate_mismatch",
        "the certificate of the proof is not the one of the TLS connection",
      );
    }
    if (proof.nonce !== this.#nonceText) {
      throw new IdentityError("proof_replayed", "the proof answers the challenge of another connection");
    }
    const { createdS } = proof;
    if (Math.abs(createdS - nowMs / 1_000) > proofSkewS) {
      throw new IdentityError(
        "proof_invalid",
        `the clock of the agent and the hub's differ by more than ${proofSkewS} s`,
      );
    }
    const input = { nonce, authority, path, createdS, keyId: identity.serial };
    if (!(await verifyProof(identity.publicKey, decodeBase64(proof.signature), input))) {
      throw new IdentityError(
        "proof_invalid",
        `the signature is not by the key of the certificate, or not for ${authority}${path}`,
      );
    }
    return identity;
  }
}

/** The message that tells the agent why; `close` is how its WebSocket ends. */
export function refusal(
  code: string,
  reason: string,
  close: CloseCode,
): Extract<HubHandshakeResult, { type: "refused" }> {
  const message = handshakeMessage("refused", { code, message: reason.slice(0, 1_024) });
  return { type: "refused", code, reason, message, close };
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
