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
  /** Nothing more will come. */
  end(): void;
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
  /** `isAll`: nothing more will come. */
  readonly judge: (received: string, isAll: boolean) => "passed" | "failed" | "open";
  /** What is looked for, for people; absent: nothing. */
  readonly wanted?: string;
  readonly inverted: boolean;
}

/** Expressions are compiled here, not for every check. */
export function compileDialogue({
  send,
  receive,
  exchanges = [],
}: NonNullable<ActiveHealthCheck["tcp"]>): () => TcpDialogue {
  const isFirst = send !== undefined || receive !== undefined;
  const first = isFirst ? [{ send, receive, encoding: "Text" as const }] : [];
  const turns = [...first, ...exchanges].map(readTurn);
  return () => startDialogue(turns);
}

function startDialogue(turns: readonly Turn[]): TcpDialogue {
  let index = 0;
  let received = "";
  let hasSent = false;
  let hasFailed = false;
  let hasEnded = false;

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
      const verdict = turn.judge(received, hasEnded || received.length === receivedChars);
      hasFailed = verdict === "failed";
      if (verdict !== "passed") break;
    }
    return text;
  };
  return {
    begin: () => toBytes(advance()),
    take: (bytes) => {
      received = (received + fromBytes(bytes)).slice(0, receivedChars);
      return toBytes(advance());
    },
    end: () => {
      hasEnded = true;
      advance();
    },
    get isOver() {
      return index === turns.length || hasFailed || hasEnded;
    },
    result: () => verdict(turns, index),
  };
}

function readTurn(exchange: {
  readonly [Field in keyof TcpExchange]?: TcpExchange[Field] | undefined;
}): Turn {
  const { send = "", receive, receivePattern, encoding, invert = false, minReceivedBytes } = exchange;
  const octets = (text: string): string =>
    encoding === "Base64" ? atob(text) : fromBytes(new TextEncoder().encode(text));
  const wanted = receive ?? receivePattern;
  const pattern = receivePattern === undefined ? undefined : compilePattern(receivePattern);
  const text = receive === undefined ? "" : octets(receive);
  // As in HAProxy, what is shorter than the text is not looked at either.
  const enoughChars = Math.max(minReceivedBytes ?? Infinity, text.length);
  return {
    send: octets(send),
    judge: (received, isAll) => {
      if (wanted === undefined) return "passed";
      const isEnough = isAll || received.length >= enoughChars;
      if (!isEnough && minReceivedBytes !== undefined) return "open";
      const isFound = received.includes(text) && (pattern?.test(received) ?? true);
      if (isFound) return invert ? "failed" : "passed";
      if (!isEnough) return "open";
      return invert ? "passed" : "failed";
    },
    ...(wanted !== undefined && { wanted }),
    inverted: invert,
  };
}

function verdict(turns: readonly Turn[], index: number): ProbeResult {
  const missing = turns[index];
  if (!missing) return { ok: true, detail: "connected" };
  const place = turns.length > 1 ? ` in exchange ${index + 1} of ${turns.length}` : "";
  const wanted = JSON.stringify((missing.wanted ?? "").slice(0, 64));
  // Or has not ended yet, which is when it would be known that it has none.
  const what = missing.inverted ? "may have" : "lacks";
  return { ok: false, detail: `connected, but the answer ${what} ${wanted}${place}` };
}
