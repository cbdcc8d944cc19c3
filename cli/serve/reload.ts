// Replaces the processes of a running system one after the other, without a failed request.
import type { Processes } from "./processes.ts";
import type { ReloadAnswer } from "./supervisor-door.ts";

export interface ReloadOptions {
  readonly processes: Pick<Processes, "names" | "replace">;
  /** Bundles and certificate files that have changed on disk are what successors run with. */
  prepare(): Promise<void>;
  log(line: string): void;
}

/** The function that replaces `names`, or everything for none; one call at a time. */
export function createReload({
  processes,
  prepare,
  log,
}: ReloadOptions): (names: readonly string[]) => Promise<ReloadAnswer> {
  let busy = false;
  return async (names) => {
    if (busy) throw new Error("a reload is under way");
    const unknown = names.find((name) => !processes.names.includes(name));
    if (unknown !== undefined)
      throw new Error(`no process ${unknown}; there are ${processes.names.join(", ")}`);
    busy = true;
    const replaced: string[] = [];
    try {
      await prepare();
      for (const name of processes.names) {
        if (names.length > 0 && !names.includes(name)) continue;
        await processes.replace(name);
        replaced.push(name);
        log(`reload: ${name} is replaced`);
      }
    } catch (error) {
      const done = replaced.length > 0 ? ` (replaced before: ${replaced.join(", ")})` : "";
      throw new Error(`the reload stopped: ${(error as Error).message}${done}`, { cause: error });
    } finally {
      busy = false;
    }
    return { replaced };
  };
}
