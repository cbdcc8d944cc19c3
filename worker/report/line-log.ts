// Where lines of the access log go. Each console.log costs a fifth of what a request costs, so where nothing but standard
// output reads them, lines that come close upon one another are printed together.
import type { Lifetime } from "../exchange.ts";

export interface LineLog {
  write(line: string, lifetime: Lifetime): void;
}

/** On Cloudflare each line belongs to the invocation that prints it. */
export const lineByLine: LineLog = { write: (line) => console.log(line) };

/** A line that follows another this closely waits for as long. */
const batchMs = 20;
/** Lines that wait, in UTF-16 code units; more are printed at once. */
const maxWaitingChars = 64 * 1024;
/** Lines that have waited this long belonged to a request that was cancelled. */
const abandonMs = 1_000;

export class BatchedLines implements LineLog {
  readonly #nowMs: () => number;
  readonly #print: (lines: string) => void;
  #waiting: string[] = [];
  #waitingChars = 0;
  #sinceMs = 0;
  #printedMs = -Infinity;

  constructor(nowMs: () => number, print: (lines: string) => void) {
    this.#nowMs = nowMs;
    this.#print = print;
  }

  write(line: string, lifetime: Lifetime): void {
    const nowMs = this.#nowMs();
    const isFirst = this.#waiting.push(line) === 1;
    this.#waitingChars += line.length;
    if (isFirst) this.#sinceMs = nowMs;
    const waitedMs = nowMs - this.#sinceMs;
    const isLone = isFirst && nowMs - this.#printedMs >= batchMs;
    if (isLone || waitedMs >= abandonMs || this.#waitingChars > maxWaitingChars) this.#flush();
    else if (isFirst) lifetime.waitUntil(scheduler.wait(batchMs).then(() => this.#flush()));
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    this.#printedMs = this.#nowMs();
    this.#print(lines.join("\n"));
  }
}
