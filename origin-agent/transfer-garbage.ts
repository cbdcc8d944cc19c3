// Buffers of transfers die young, 64 KiB each, but V8 sees only their handles as young: it collects them so seldom that
// what they hold makes it mark the whole heap instead, once for every 20 MB or so, which costs as much as the transfer.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Garbage that may lie about. Collecting it takes less than a millisecond, marking the heap ten. */
const collectAtBytes = 8 * 1024 * 1024;

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
