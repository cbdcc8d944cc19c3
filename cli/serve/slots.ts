// Which slot's sockets the other processes reach: the plain name of a Unix socket is a link to the one in use.
import { renameSync, symlinkSync } from "node:fs";
import { basename } from "node:path";
import { slotPath, socketPath, type Slot } from "./socket-plan.ts";
import type { InheritedSocket } from "./supervisor-message.ts";

export const otherSlot = (slot: Slot): Slot => (slot === "a" ? "b" : "a");

/** Sockets of a process that runs in `slot`: those of the slot, and those that it shares with its successor. */
export function socketsIn(
  sockets: readonly InheritedSocket[],
  process: string,
  slot: Slot,
): InheritedSocket[] {
  return sockets.filter((socket) => socket.process === process && (socket.slot ?? slot) === slot);
}

export interface UsedSlot {
  readonly process: string;
  readonly slot: Slot;
  /** Of the sockets; absent: all of them. */
  readonly names?: readonly string[];
}

/** From now on connections go to that slot. */
export function useSlot(
  runDirectory: string,
  sockets: readonly InheritedSocket[],
  { process, slot, names }: UsedSlot,
): void {
  for (const socket of sockets) {
    if (socket.process !== process || socket.slot !== slot) continue;
    if (names && !names.includes(socket.name)) continue;
    const link = socketPath(runDirectory, process, socket.name);
    symlinkSync(basename(slotPath(runDirectory, process, socket.name, slot)), `${link}.new`);
    renameSync(`${link}.new`, link);
  }
}
