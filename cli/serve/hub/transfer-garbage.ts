// Buffers of transfers die young, 64 KiB each, but V8 sees only their handles as young: it collects them so seldom that
// what they hold makes it mark the whole heap instead. As in the agent (`origin-agent/transfer-garbage.ts`), from which it
// differs in how it gets at the collector, and when calling it pays: what is left are five lines, no library of two programs.

/**
 * Garbage that may lie about. Measured with downloads of 500 MB on a busy machine, s/GB of the hub's processor time: 1.6 to 2.3
 * with 2 MiB; 1.4 or 5.5 to 6.3, by turns of minutes, with 8 MiB; 4.8 to 6.2 without, or 1.3 to 6.8 with a young generation of 1 MiB.
 */
const collectAtBytes = 2 * 1024 * 1024;

/** The supervisor starts the process with this; tests run without. */
export const collectorFlag = "--expose-gc";

let sinceBytes = 0;

/** So many bytes came or went in buffers of their own: the young generation is collected where it is time for it. */
export function transferred(bytes: number): void {
  sinceBytes += bytes;
  if (sinceBytes < collectAtBytes) return;
  sinceBytes = 0;
  globalThis.gc?.({ type: "minor" });
}
