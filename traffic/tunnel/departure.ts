// Who goes away from a connection, and what the other side has acknowledged: the state behind GO_AWAY frames.
import { TunnelProtocolError } from "#contract/tunnel/code.ts";

export class Departure {
  #leaving: "no" | "announced" | "acknowledged" = "no";
  #draining = false;
  #drainAcknowledged = false;
  #remoteDraining = false;

  /** This side opens no stream any more, or may not. */
  get isClosedForStreams(): boolean {
    return this.#draining || this.#remoteDraining;
  }

  /** The other side opens none any more, since this one drains. */
  get isDrainAcknowledged(): boolean {
    return this.#drainAcknowledged;
  }

  /** True: announce it. This side asks the other to connect elsewhere, and serves until that one drains. */
  leave(): boolean {
    if (this.#draining || this.#leaving !== "no") return false;
    this.#leaving = "announced";
    return true;
  }

  /** True: announce it. */
  drain(): boolean {
    if (this.#draining) return false;
    this.#draining = true;
    return true;
  }

  /** The other side acknowledges what was announced, in that order. Throws when nothing was. */
  acknowledged(): void {
    if (this.#leaving === "announced") this.#leaving = "acknowledged";
    else if (this.#draining) this.#drainAcknowledged = true;
    else throw new TunnelProtocolError("protocol_error", "nothing to acknowledge");
  }

  /** The other side drains; true the first time. */
  remoteDrains(): boolean {
    if (this.#remoteDraining) return false;
    this.#remoteDraining = true;
    return true;
  }
}
