// Messages as a hostile peer might send them, from a seed: frames that fit the state of a conversation, frames that do
// not, and the bytes of both broken in every way that is cheap to think of.
import { encodeFrame, type Frame } from "#contract/tunnel/frame.ts";
import { FrameWriter } from "#contract/tunnel/frame-writer.ts";
import type { Fields, OpenHead } from "#contract/tunnel/head.ts";
import type { Random } from "./random.ts";

/** How often a message is broken after it was made; most must be whole, or nothing would get beyond the codec. */
const brokenChance = 0.002;
/** How often a frame is out of place; most fit, or conversations would end before they have begun. */
const misplacedChance = 0.004;
const framesPerMessage = 6;

const methods = ["GET", "POST", "CONNECT", ""];
const kinds = ["http", "websocket", "tcp"] as const;
const frameTypes = [
  "open",
  "open",
  "head",
  "head",
  "data",
  "data",
  "data",
  "trailers",
  "reset",
  "message",
  "signal",
  "close",
  "credit",
  "credit",
  "ping",
  "control",
  "goAway",
  "ignored",
  "proof",
] as const;

export class FrameSource {
  /** Frames made so far. */
  frames = 0;
  readonly #random: Random;
  /** The other side's last streams, which the peer may speak on. */
  readonly #offered: () => readonly number[];
  /** The peer's next stream, which it opens in order most of the time. */
  #nextOpen: number;

  /** @param firstOpen id of the first stream that the peer itself may open. */
  constructor(random: Random, firstOpen: number, offered: () => readonly number[]) {
    this.#random = random;
    this.#nextOpen = firstOpen;
    this.#offered = offered;
  }

  next(): Uint8Array {
    const writer = new FrameWriter();
    const count = 1 + this.#random.below(framesPerMessage);
    for (let index = 0; index < count; index += 1) {
      encodeFrame(writer, this.#frame());
      this.frames += 1;
    }
    const message = writer.take();
    return this.#random.chance(brokenChance) ? this.#broken(message) : message;
  }

  #frame(): Frame {
    const random = this.#random;
    const end = random.chance(0.1);
    const stream = this.#stream();
    // Before there is a stream, only a new one makes sense.
    const type = stream === undefined ? "open" : random.pick(frameTypes);
    if (stream === undefined || type === "open") {
      return { type: "open", stream: this.#openId(), end, head: this.#head() };
    }
    switch (type) {
      case "head":
        return { type, stream, end, status: this.#status(), fields: this.#fields() };
      case "data": {
        const bytes = this.#bytes();
        return { type, stream, end: end || bytes.length === 0, bytes };
      }
      case "trailers":
        return { type, stream, fields: this.#fields() };
      case "reset":
        return { type, stream, code: random.below(14), detail: "r".repeat(random.below(40)) };
      case "message": {
        const bytes = this.#bytes();
        return { type, stream, text: random.chance(0.5), last: end || bytes.length === 0, bytes };
      }
      case "signal":
        return {
          type,
          stream,
          kind: random.pick(["ping", "pong"]),
          bytes: new Uint8Array(random.below(126)),
        };
      case "close":
        return { type, stream, code: 1_000 + random.below(4_000), reason: "c".repeat(random.below(20)) };
      case "credit":
        return { type, stream: random.chance(misplacedChance) ? 0 : stream, bytes: this.#credit() };
      case "ping":
        return { type, ack: random.chance(0.5), token: random.below(1_000) };
      case "control":
        return { type, last: random.chance(0.8), bytes: new Uint8Array(1 + random.below(200)).fill(0x20) };
      case "goAway": {
        // Rarely: it ends the conversation.
        if (!random.chance(10 * misplacedChance)) return { type: "ping", ack: false, token: 1 };
        return {
          type,
          ack: random.chance(0.5),
          lastStream: random.below(20),
          code: 4_400 + random.below(40),
          reason: "",
        };
      }
      case "ignored":
        return { type, number: 0x80 + random.below(0x80) };
      case "proof":
        return random.chance(misplacedChance) ? { type, json: "{}" } : { type: "ping", ack: true, token: 1 };
    }
  }

  /** One of the last few of either side, so that frames meet. */
  #stream(): number | undefined {
    const random = this.#random;
    if (random.chance(misplacedChance)) return 1 + random.below(200);
    const offered = this.#offered();
    const own = (this.#nextOpen - 1) >> 1;
    if (offered.length > 0 && (own === 0 || random.chance(0.5))) return random.pick(offered);
    if (own === 0) return undefined;
    return Math.max(2 - (this.#nextOpen % 2), this.#nextOpen - 2 * (1 + random.below(6)));
  }

  #openId(): number {
    if (this.#random.chance(misplacedChance)) return 1 + this.#random.below(20);
    const id = this.#nextOpen;
    this.#nextOpen += 2;
    return id;
  }

  #status(): number {
    return this.#random.pick([100, 101, 103, 200, 204, 304, 404, 503]);
  }

  #credit(): number {
    return this.#random.chance(0.02) ? 0x7fff_ffff : 1 + this.#random.below(70_000);
  }

  #bytes(): Uint8Array {
    return new Uint8Array(this.#random.pick([0, 1, 10, 200, 1_500, 16_384]));
  }

  #head(): OpenHead {
    const random = this.#random;
    return {
      kind: random.pick(kinds),
      endpoint: random.chance(0.9) ? "web|10.0.0.1:80" : "\u00ff|",
      method: random.pick(methods),
      scheme: random.pick(["http", "https", ""]),
      authority: "a".repeat(random.below(30)),
      target: random.pick(["/", "/a?b", "", "*"]),
      fields: this.#fields(),
    };
  }

  #fields(): Fields {
    const count = this.#random.chance(0.01) ? 1_024 : this.#random.below(5);
    return Array.from(
      { length: count },
      (_, index) => [`x-${index}`, "v".repeat(this.#random.below(20))] as const,
    );
  }

  #broken(message: Uint8Array): Uint8Array {
    const random = this.#random;
    const copy = message.slice();
    switch (random.below(5)) {
      case 0:
        for (let flips = 1 + random.below(8); flips > 0; flips -= 1) {
          const at = random.below(copy.length);
          copy[at] = copy[at]! ^ (1 << random.below(8));
        }
        return copy;
      case 1:
        return copy.subarray(0, random.below(copy.length));
      case 2:
        // A declared length that lies.
        copy.set([random.below(256), random.below(256), random.below(256)], Math.min(6, copy.length - 3));
        return copy;
      case 3:
        return Uint8Array.from([...copy, ...copy.subarray(random.below(copy.length))]);
      default:
        return Uint8Array.from({ length: random.below(64) }, () => random.below(256));
    }
  }
}
