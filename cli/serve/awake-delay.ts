// A delay for which only time counts in which the process ran.
import { setImmediate, setTimeout as delay } from "node:timers/promises";

const pieces = 10;

/**
 * Resolves after `ms`, or later by as long as the process or the whole machine stood still, less a tenth of `ms`; what has
 * come in by then has been read.
 */
export async function awakeDelay(ms: number): Promise<void> {
  for (let piece = 0; piece < pieces; piece += 1) await delay(ms / pieces);
  // Timers that are due come before what waits in sockets.
  await setImmediate();
}
