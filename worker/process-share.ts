// What one of several gateway processes keeps of a bound that all of them keep together.
import { shareOf } from "#traffic/connection/connection-queue.ts";
import type { Env } from "./env.ts";

export function shareOfProcess({ PROCESS_SHARE = "0/1" }: Env): (whole: number) => number {
  const [process, processes] = PROCESS_SHARE.split("/").map(Number);
  return (whole) => shareOf(whole, process!, processes!);
}
