// A time that ends an attempt with an error of its own.
import { type ErrorCode, GatewayError } from "#contract/error.ts";

export class Deadline {
  /** Made when first asked for: it costs as much as copying the headers. */
  #controller: AbortController | undefined = undefined;
  #reject: ((error: GatewayError) => void) | undefined = undefined;
  #cleared = false;
  /** Set once the time is up. `fetch` rejects with a copy of the abort's reason, so the reason itself tells nothing. */
  error: GatewayError | undefined = undefined;

  /** One that expires by itself. */
  static after(leftMs: number, code: ErrorCode): Deadline {
    const deadline = new Deadline();
    // Never taken back: it ends with its request, and a timeout that is cleared costs twice as much (workerd 1.20261102.1).
    void scheduler.wait(Math.max(leftMs, 0)).then(() => deadline.expire(code));
    return deadline;
  }

  get isCleared(): boolean {
    return this.#cleared;
  }

  /** Aborted when the time is up. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.error) this.#controller.abort(this.error);
    }
    return this.#controller.signal;
  }

  /** What `work` settles to, or a rejection when the time is up; the work itself goes on. One at a time. */
  limit<T>(work: T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.error) return reject(this.error);
      this.#reject = reject;
      Promise.resolve(work).then(resolve, reject);
    });
  }

  clear(): void {
    this.#cleared = true;
  }

  /** Once cleared, without effect. */
  expire(code: ErrorCode): void {
    if (this.#cleared) return;
    this.error = new GatewayError(code);
    this.#reject?.(this.error);
    this.#controller?.abort(this.error);
  }
}
