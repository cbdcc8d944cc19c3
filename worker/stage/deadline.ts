// A time that ends an attempt with an error of its own.
import { type ErrorCode, GatewayError } from "#contract/error.ts";

export class Deadline {
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout>;
  /** Set once the time is up. `fetch` rejects with a copy of the abort's reason, so the reason itself tells nothing. */
  error: GatewayError | undefined = undefined;

  constructor(leftMs: number, code: ErrorCode) {
    this.#timer = setTimeout(
      () => {
        this.error = new GatewayError(code);
        this.#controller.abort(this.error);
      },
      Math.max(leftMs, 0),
    );
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
