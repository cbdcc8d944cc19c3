// One `isthmus serve` per data directory: two state processes on the same Durable Objects would corrupt each other.
import { readFileSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError, systemCode } from "../command-error.ts";

const lockPath = (root: string): string => join(root, "lock");

/** Throws `CommandError` `conflict` while another process holds the directory. */
export async function checkDataLock(root: string): Promise<void> {
  const holder = await readHolder(root);
  if (holder === undefined || !isAlive(holder)) return;
  throw new CommandError("conflict", `${root} is in use by process ${holder.pid}`, {
    remedy: "Stop that `isthmus serve`, or give this one another --data DIR.",
  });
}

/** Takes the directory for this process, also from one that has died. Resolves to the function that gives it back. */
export async function takeDataLock(root: string): Promise<() => Promise<void>> {
  await checkDataLock(root);
  await rm(lockPath(root), { force: true });
  const holder: Holder = { pid: process.pid, startedAt: startTime(process.pid) };
  // `wx`: of two that come at once, one fails.
  await writeFile(lockPath(root), JSON.stringify(holder), { flag: "wx", mode: 0o600 });
  return () => rm(lockPath(root), { force: true });
}

interface Holder {
  readonly pid: number;
  /** Tells a process from a later one with the same id, where the system says; else empty. */
  readonly startedAt: string;
}

async function readHolder(root: string): Promise<Holder | undefined> {
  try {
    const { pid, startedAt } = JSON.parse(await readFile(lockPath(root), "utf8")) as Partial<Holder>;
    return typeof pid === "number" && pid > 0 ? { pid, startedAt: String(startedAt) } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, startedAt }: Holder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === "ESRCH") return false;
  }
  return startTime(pid) === startedAt;
}

/** Field 22 of proc(5) `stat`, ticks since boot, with the boot's id. */
function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot}:${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]}`;
  } catch {
    return "";
  }
}
