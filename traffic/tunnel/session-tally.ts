// What a session has done since it began, for metrics: streams, bytes of bodies and messages, resets by code.
import { type ResetCode, resetCodeOf } from "#contract/tunnel/code.ts";
import type { Frame } from "#contract/tunnel/frame.ts";

export class SessionTally {
  /** By either side. */
  streamsOpened = 0;
  bytesIn = 0;
  bytesOut = 0;
  readonly resetsSent = new Map<ResetCode, number>();
  /** `connection_lost` here is what the end of the connection did to streams. */
  readonly resetsReceived = new Map<ResetCode, number>();

  sent(frame: Frame, payloadBytes: number): void {
    if (frame.type === "data" || frame.type === "message") this.bytesOut += payloadBytes;
    else if (frame.type === "open") this.streamsOpened += 1;
    else if (frame.type === "reset") count(this.resetsSent, resetCodeOf(frame.code));
  }

  received(frame: Frame, payloadBytes: number): void {
    if (frame.type === "data" || frame.type === "message") this.bytesIn += payloadBytes;
    else if (frame.type === "open") this.streamsOpened += 1;
    else if (frame.type === "reset") count(this.resetsReceived, resetCodeOf(frame.code));
  }

  /** So many streams were open when the connection ended. */
  ended(streams: number): void {
    if (streams > 0) count(this.resetsReceived, "connection_lost", streams);
  }

  get resets(): number {
    return sum(this.resetsSent) + sum(this.resetsReceived);
  }
}

function count(resets: Map<ResetCode, number>, code: ResetCode, more = 1): void {
  resets.set(code, (resets.get(code) ?? 0) + more);
}

const sum = (resets: ReadonlyMap<ResetCode, number>): number =>
  [...resets.values()].reduce((total, some) => total + some, 0);
