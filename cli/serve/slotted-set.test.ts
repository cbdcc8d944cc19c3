import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { type RunningProcess, SlottedSet, type SlottedRun } from "./slotted-set.ts";

interface Steps {
  readonly starts?: (run: SlottedRun) => boolean;
  readonly handOver?: () => Promise<void>;
}

/** Processes that run until SIGTERM; `log` tells what became of each run. */
function processes({ starts = () => true, handOver }: Steps = {}) {
  const log: string[] = [];
  const end = async ({ id, process }: RunningProcess): Promise<void> => {
    await process.stop(20_000);
    log.push(`${id} ended`);
  };
  const set = new SlottedSet({
    names: ["p"],
    startOne(run) {
      log.push(`${run.id} starts in ${run.slot}`);
      const child = spawn(process.execPath, [
        "-e",
        starts(run) ? "setInterval(() => {}, 1000)" : "process.exit(1)",
      ]);
      const failed = once(child, "exit").then(() => Promise.reject(new Error("no start")));
      const ready = starts(run) ? once(child, "spawn").then(() => undefined) : failed;
      failed.catch(() => undefined);
      return { child, ready };
    },
    use: ({ slot }) => void log.push(`${slot} in use`),
    async handOver(_old, next) {
      await handOver?.();
      log.push(`handed over to ${next.id}`);
    },
    retire: end,
    log: () => {},
  });
  return { set, log, end };
}

test("a successor takes the other slot; the old one retires once it has handed over; the slot is free then", async () => {
  const { set, log, end } = processes();
  await set.start();
  await Promise.all([set.replace("p"), set.replace("p")]);
  await set.stop(end);
  expect(log).toEqual([
    "p run 1 starts in a",
    "a in use",
    "p run 2 starts in b",
    "handed over to p run 2",
    "p run 1 ended",
    "p run 3 starts in a",
    "handed over to p run 3",
    ...log.slice(7),
  ]);
  expect(log.slice(7).toSorted()).toEqual(["p run 2 ended", "p run 3 ended"]);
});

test("where the successor does not start, the old one stays", async () => {
  const { set, end } = processes({ starts: ({ id }) => id === "p run 1" });
  await set.start();
  await expect(set.replace("p")).rejects.toThrow("no start");
  expect(set.running.map(({ id, process }) => [id, process.current() !== undefined])).toEqual([
    ["p run 1", true],
  ]);
  await set.stop(end);
});

test("a stop in the middle of a replacement ends both", async () => {
  const handing = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const { set, log, end } = processes({
    handOver: () => {
      handing.resolve();
      return release.promise;
    },
  });
  await set.start();
  const replaced = set.replace("p");
  await handing.promise;
  await set.stop(end);
  expect(log.slice(3).toSorted()).toEqual(["p run 1 ended", "p run 2 ended"]);
  release.resolve();
  await replaced;
  expect(log.slice(5)).toEqual(["handed over to p run 2"]);
});
