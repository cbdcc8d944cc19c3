// A delay for which only time counts in which the process ran.

const pieces = 10;

/**
 * Resolves after `ms`, or later by as long as the process or the whole machine stood still, less a tenth of `ms`; what has
 * come in by then has been read. Aborted, it resolves no more, and holds nothing.
 */
export async function awakeDelay(ms: number, signal?: AbortSignal): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) await pause(ms / pieces, signal);
  // Timers that are due come before what waits in sockets.
  await pause(0, signal);
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return new Promise(() => {});
  return new Promise((done) => {
    const stop = (): void => clearTimeout(timer);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      done();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
