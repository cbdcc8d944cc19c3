// One end of a stream in a simulation: sends a body of a known pattern, checks the one it receives, reads at its pace.
import type { Fields, ResponseHead } from "#contract/tunnel/head.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "../stream.ts";
import type { Random } from "./random.ts";
import type { VirtualClock } from "./virtual-network.ts";

export interface PartyPlan {
  readonly sendBytes: number;
  readonly receiveBytes: number;
  /** How long a received chunk waits before it is consumed; Infinity: never. */
  readonly readDelayMs: number;
  /** Gives up after this time. */
  readonly resetAfterMs?: number;
}

/** Repeats after 64 KiB, and no two places within that look alike for long. */
const patternBytes = 65_536;
const mostChunkBytes = 100_000;
const pattern = Uint8Array.from(
  { length: patternBytes + mostChunkBytes },
  (_, offset) => offset * 31 + ((offset % patternBytes) >>> 8),
);

export class SimulatedParty implements StreamHandlers {
  stream!: TunnelStream;
  outcome: "ended" | StreamReset | "gave up" | undefined;
  problem: string | undefined;
  receivedBytes = 0;
  #sentBytes = 0;
  #ended = false;
  readonly #plan: PartyPlan;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #answers: boolean;

  constructor(plan: PartyPlan, clock: VirtualClock, random: Random, answers: boolean) {
    this.#plan = plan;
    this.#clock = clock;
    this.#random = random;
    this.#answers = answers;
  }

  start(stream: TunnelStream): this {
    this.stream = stream;
    if (this.#answers) stream.respond({ status: 200, fields: [] });
    this.#send();
    const { resetAfterMs } = this.#plan;
    if (resetAfterMs !== undefined) this.#clock.after(resetAfterMs, () => this.#giveUp());
    return this;
  }

  get done(): boolean {
    return this.outcome !== undefined;
  }

  #giveUp(): void {
    if (!this.stream.open) return;
    this.outcome = "gave up";
    this.stream.reset("cancelled");
  }

  #send(): void {
    const { sendBytes } = this.#plan;
    while (this.#sentBytes < sendBytes) {
      const bytes = Math.min(sendBytes - this.#sentBytes, 1 + this.#random.below(mostChunkBytes));
      const from = this.#sentBytes % patternBytes;
      const took = this.stream.write(pattern.subarray(from, from + bytes));
      if (took < 0 || took > bytes) this.#wrong(`write took ${took} of ${bytes}`);
      this.#sentBytes += took;
      if (took < bytes) return;
    }
    if (!this.#ended) this.stream.end(this.#random.chance(0.5) ? [] : [["x-trailer", "1"]]);
    this.#ended = true;
  }

  onHead(_head: ResponseHead): void {
    if (this.#answers || this.done) this.#wrong("a head out of place");
  }

  onData(chunk: Uint8Array): void {
    if (this.done) this.#wrong("data after the end");
    const from = this.receivedBytes % patternBytes;
    for (let index = 0; index < chunk.length; index += 97) {
      if (chunk[index] !== pattern[from + index]) return this.#wrong("data is not what was sent");
    }
    this.receivedBytes += chunk.length;
    const { readDelayMs } = this.#plan;
    if (readDelayMs === Infinity) return;
    this.#clock.after(this.#random.below(readDelayMs + 1), () => this.stream.consumed(chunk.length));
  }

  onEnd(_trailers: Fields): void {
    if (this.done) this.#wrong("ended twice");
    if (this.receivedBytes !== this.#plan.receiveBytes)
      this.#wrong(`ended after ${this.receivedBytes} bytes`);
    this.outcome = "ended";
  }

  onReset(reset: StreamReset): void {
    if (this.outcome === "gave up" || (this.done && this.outcome !== "ended")) this.#wrong("reset twice");
    if (!this.done) this.outcome = reset;
  }

  onWritable(): void {
    this.#send();
  }

  #wrong(problem: string): void {
    this.problem ??= problem;
  }
}
