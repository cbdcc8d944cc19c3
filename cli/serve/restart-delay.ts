// How long a process that ended by itself waits for its successor.

const firstMs = 100;
const capMs = 10_000;
/** One that ran this long was well; its end starts a new count. */
const wellAfterMs = 10_000;

export interface RestartState {
  readonly failures: number;
}

/** The first successor starts at once, then the delay doubles up to ten seconds. */
export function nextRestart(state: RestartState, ranMs: number): { delayMs: number; state: RestartState } {
  const failures = ranMs >= wellAfterMs ? 0 : state.failures;
  return {
    delayMs: failures === 0 ? 0 : Math.min(capMs, firstMs * 2 ** (failures - 1)),
    state: { failures: failures + 1 },
  };
}
