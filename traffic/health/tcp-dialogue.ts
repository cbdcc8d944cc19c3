// The conversation of a TCP check: what is said, what is waited for, and the verdict. Whoever checks only carries bytes.
import { fromBytes, toBytes } from "#contract/text/bytes.ts";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import type { TcpExchange } from "#contract/tcp-exchange.ts";
import { compilePattern } from "../match/pattern/pattern.ts";
import type { ProbeResult } from "./active-check.ts";

export interface TcpDialogue {
  /** What is to be sent before anything is read; empty: nothing. */
  begin(): Uint8Array;
  /** What is to be sent after these bytes have come. */
  take(bytes: Uint8Array): Uint8Array;
  /** Nothing is to be read any more. */
  readonly isOver: boolean;
  /** The verdict if nothing more comes. */
  result(): ProbeResult;
}

/** As much as is kept of what comes between two things that are sent. */
const receivedChars = 16 * 1024;

/** A turn; texts have a character for each octet. */
interface Turn {
  readonly send: string;
  readonly isReceived: (received: string) => boolean;
  /** What is waited for, for people; absent: nothing. */
  readonly wanted?: string;
}

export function startDialogue({ tcp = {} }: ActiveHealthCheck): TcpDialogue {
  const { send, receive, exchanges = [] } = tcp;
  const first = send !== undefined || receive !== undefined ? [{ ...tcp, encoding: "Text" as const }] : [];
  const turns = [...first, ...exchanges].map(readTurn);
  let index = 0;
  let received = "";
  let hasSent = false;

  /** Goes on as far as what has come allows; what is to be sent on the way. */
  const advance = (): string => {
    let text = "";
    for (; index < turns.length; index += 1, hasSent = false) {
      const turn = turns[index]!;
      if (!hasSent && turn.send !== "") {
        text += turn.send;
        received = "";
      }
      hasSent = true;
      if (!turn.isReceived(received)) break;
    }
    return text;
  };
  return {
    begin: () => toBytes(advance()),
    take: (bytes) => {
      received = (received + fromBytes(bytes)).slice(0, receivedChars);
      return toBytes(advance());
    },
    get isOver() {
      return index === turns.length || received.length === receivedChars;
    },
    result: () => verdict(turns, index),
  };
}

function readTurn({ send = "", receive, receivePattern, encoding }: TcpExchange): Turn {
  const octets = (text: string): string =>
    encoding === "Base64" ? atob(text) : fromBytes(new TextEncoder().encode(text));
  const wanted = receive ?? receivePattern;
  const pattern = receivePattern === undefined ? undefined : compilePattern(receivePattern);
  const text = receive === undefined ? "" : octets(receive);
  return {
    send: octets(send),
    isReceived: (received) => received.includes(text) && (pattern?.test(received) ?? true),
    ...(wanted !== undefined && { wanted }),
  };
}

function verdict(turns: readonly Turn[], index: number): ProbeResult {
  const missing = turns[index];
  if (!missing) return { ok: true, detail: "connected" };
  const place = turns.length > 1 ? ` in exchange ${index + 1} of ${turns.length}` : "";
  const wanted = JSON.stringify((missing.wanted ?? "").slice(0, 64));
  return { ok: false, detail: `connected, but the answer lacks ${wanted}${place}` };
}
