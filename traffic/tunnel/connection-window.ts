// Window of a connection: how many bytes of heads, bodies and messages are on the way at once, over all streams.
// Credit is returned on arrival, not on consumption, so it bounds what queues in the sockets (and how long a small
// request waits behind bulk), and a slow reader of one stream cannot stall another.
import { TunnelProtocolError } from "#contract/tunnel/code.ts";
import { limits } from "#contract/limits.ts";

/** Less room than this is none: the credit comes in large steps anyway. */
const leastRoomBytes = 1_024;

export class ConnectionWindow {
  readonly #remoteBytes: number;
  readonly #localBytes: number;
  #sendCreditBytes: number;
  #receiveCreditBytes: number;

  constructor(localBytes: number, remoteBytes: number) {
    this.#localBytes = localBytes;
    this.#remoteBytes = remoteBytes;
    this.#sendCreditBytes = remoteBytes;
    this.#receiveCreditBytes = localBytes;
  }

  get inFlightBytes(): number {
    return this.#remoteBytes - this.#sendCreditBytes;
  }

  /** How much data may leave now; `headStartBytes`: how much of it may overdraw as heads do. */
  roomBytes(headStartBytes: number): number {
    const roomBytes = this.#sendCreditBytes < leastRoomBytes ? 0 : this.#sendCreditBytes;
    return this.takesHeads() ? Math.max(roomBytes, headStartBytes) : roomBytes;
  }

  /** Heads may overdraw, so a small request or answer never waits for bulk; but not without end. */
  takesHeads(): boolean {
    return this.#sendCreditBytes > -limits.headOverdraftBytes;
  }

  sent(bytes: number): void {
    this.#sendCreditBytes -= bytes;
  }

  /** Throws {@link TunnelProtocolError} for credit that was never used. */
  credited(bytes: number): void {
    this.#sendCreditBytes += bytes;
    if (this.#sendCreditBytes > this.#remoteBytes) {
      throw new TunnelProtocolError("flow_control", "more credit for the connection than was used");
    }
  }

  /**
   * Counts received bytes; returns the credit to announce, 0 while it is not worth a frame. That a sender overdrew
   * cannot be seen from here, as credit returns on arrival; it costs only that sender's own buffers.
   */
  received(bytes: number): number {
    this.#receiveCreditBytes -= bytes;
    const usedBytes = this.#localBytes - this.#receiveCreditBytes;
    if (usedBytes < this.#localBytes / 2) return 0;
    this.#receiveCreditBytes += usedBytes;
    return usedBytes;
  }
}
