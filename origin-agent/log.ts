// The agent's log: one JSON object per line on stderr. Callers pass facts, never keys, tokens or header values.

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Log {
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log whose every line carries these fields, too. */
  with(fields: LogFields): Log;
}

/** Writes lines `{"time":…,"level":…,"event":…,…fields}` through `write`, which gets each line with its newline. */
export function createLog(write: (line: string) => void, nowMs: () => number, context: LogFields = {}): Log {
  const line = (level: string) => (event: string, fields?: LogFields) => {
    const time = new Date(nowMs()).toISOString();
    write(`${JSON.stringify({ time, level, event, ...context, ...fields })}\n`);
  };
  return {
    info: line("info"),
    warn: line("warn"),
    error: line("error"),
    with: (fields) => createLog(write, nowMs, { ...context, ...fields }),
  };
}
