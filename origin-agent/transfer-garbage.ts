// Buffers of transfers die young, 64 KiB each, but V8 sees only their handles as young: it collects them so seldom that
// what they hold makes it mark the whole heap instead, once for every 20 MB or so, which costs as much as the transfer.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * Garbage that may lie about, as counted here; a message and the pieces that it was read in are twice as much. V8 adds it to
 * the old generation, whose limit follows what lives there: where that is 24 MB, 16 MB of garbage are enough for marking
 * without end. Measured on a busy machine, s/GB up and down: 7.4 and 6.0 with 8 MiB, 3.7 and 3.6 with 4, 3.4 and 3.8 with 2.
 */
const collectAtBytes = 2 * 1024 * 1024;

// The flag can be set at any time; contexts that begin afterwards have the function.
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as NodeJS.GCFunction;

let sinceBytes = 0;

/** So many bytes came or went in buffers of their own: the young generation is collected where it is time for it. */
export function transferred(bytes: number): void {
  sinceBytes += bytes;
  if (sinceBytes < collectAtBytes) return;
  sinceBytes = 0;
  collect({ type: "minor" });
}
