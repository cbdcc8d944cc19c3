// What a command refuses or fails with: one sentence for the person at the terminal, and a code for scripts.

/** Exit codes, stable; `isthmus help exit-codes` and README list them. */
export const exitCodes = {
  ok: 0,
  /** It did not work, for a reason that the message gives. */
  failure: 1,
  /** Wrong flags or arguments, or a configuration that is not valid. */
  invalid: 2,
  /** Something else is current by now: a stale base version, or a name that is taken. */
  conflict: 3,
  /** The control cannot be reached. */
  unreachable: 4,
  /** The control refuses the token or its role. */
  refused: 5,
} as const;

export type ExitReason = keyof typeof exitCodes;

export class CommandError extends Error {
  override readonly name = "CommandError";
  readonly reason: ExitReason;
  /** What to do about it. */
  readonly remedy: string | undefined;
  /** Closed, snake_case; the control's own code where it answered with one. */
  readonly code: string;

  constructor(
    reason: ExitReason,
    message: string,
    options: { remedy?: string | undefined; code?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.remedy = options.remedy;
    this.code = options.code ?? reason;
  }

  get exitCode(): number {
    return exitCodes[this.reason];
  }
}

/** `code` of a Node system error (`EADDRINUSE`), looking through causes; undefined for anything else. */
export function systemCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code = (at as NodeJS.ErrnoException).code;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return systemCode(at.errors[0]);
  }
  return undefined;
}
