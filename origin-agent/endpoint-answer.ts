// An endpoint's answer over HTTP/1.1 on its way into its stream, whichever client reads it, and the end of both.
import { limits } from "#contract/limits.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { systemCode } from "./agent-error.ts";
import { endToEndFields, fieldsOfRaw } from "./fields.ts";

/** Called when the exchange is over, with the code it was reset with, if it was. */
export type ExchangeEnded = (code?: ResetCode, detail?: string) => void;

/** Where the body comes from. */
export interface AnswerSource {
  pause(): void;
  resume(): void;
}

export class EndpointAnswer {
  readonly #stream: TunnelStream;
  readonly #onEnded: ExchangeEnded;
  #source: AnswerSource | undefined;
  /** Bytes that the window did not take; the source is paused while there are any. */
  #pending: Uint8Array | undefined;
  #informational = 0;
  #over = false;

  constructor(stream: TunnelStream, onEnded: ExchangeEnded) {
    this.#stream = stream;
    this.#onEnded = onEnded;
  }

  /** Nothing more is said on the stream. */
  get over(): boolean {
    return this.#over;
  }

  /** The final head has passed. */
  get begun(): boolean {
    return this.#source !== undefined;
  }

  /** `raw`: name, value, name, value, …, of strings or latin-1 buffers. Throws `RangeError` for more than a tunnel takes. */
  inform(status: number, raw: unknown): void {
    this.#informational += 1;
    if (this.#over || this.#informational > limits.informationalHeads) return;
    this.#stream.respond({ status, fields: endToEndFields(fieldsOfRaw(raw)) });
  }

  /** As {@link inform}. */
  begin(status: number, raw: unknown, source: AnswerSource): void {
    this.#source = source;
    this.#stream.respond({ status, fields: endToEndFields(fieldsOfRaw(raw)) });
  }

  data(chunk: Uint8Array): void {
    const taken = this.#stream.write(chunk);
    if (taken === chunk.length) return;
    this.#pending = chunk.subarray(taken);
    this.#source?.pause();
  }

  /** The stream has room again. */
  writable(): void {
    if (!this.#pending) return;
    const taken = this.#stream.write(this.#pending);
    this.#pending = taken < this.#pending.length ? this.#pending.subarray(taken) : undefined;
    if (!this.#pending) this.#source?.resume();
  }

  end(rawTrailers: unknown): void {
    this.#stream.end(fieldsOfRaw(rawTrailers));
    this.finish();
  }

  fail(code: ResetCode, error: Error): void {
    if (this.#over) return;
    const detail = `${systemCode(error) ?? error.name}: ${error.message}`;
    this.#stream.reset(code, detail);
    this.finish(code, detail);
  }

  /** The stream is over, as its log line says. */
  finish(code?: ResetCode, detail?: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#pending = undefined;
    // Of a body that the endpoint did not want: without its credit the client could not even end it.
    this.#stream.consumed(this.#stream.unconsumedBytes);
    this.#onEnded(code, detail);
  }
}
