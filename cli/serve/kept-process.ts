// A child process that is kept running: started, watched, started again when it ends by itself, stopped with patience.
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { awakeDelay } from "#hub/awake-delay.ts";
import { nextRestart } from "./restart-delay.ts";

export interface StartedChild {
  readonly child: ChildProcess;
  /** Resolves when it serves; rejects when it ends or fails before. */
  readonly ready: Promise<void>;
}

export interface KeptProcess {
  readonly name: string;
  /** The first start. Rejects when that fails: a system that never came up is not restarted. */
  readonly ready: Promise<void>;
  /** The child that runs now; undefined between two. */
  current(): ChildProcess | undefined;
  /** Ends the child and resolves when the next one serves. Rejects when that one fails to start, or `stop` came first. */
  restart(graceMs: number): Promise<void>;
  /** Asks it to end (`request`, SIGTERM by default), and kills it after `graceMs`. */
  stop(graceMs: number, request?: (child: ChildProcess) => void): Promise<void>;
}

export function keepRunning(
  name: string,
  start: () => StartedChild,
  log: (line: string) => void,
): KeptProcess {
  let current: ChildProcess | undefined;
  let stopping = false;
  const stopSignal = new AbortController();
  let successor: PromiseWithResolvers<void> | undefined;
  const first = startOne();

  function startOne(): StartedChild & { ended: Promise<string>; startedMs: number } {
    const started = start();
    const { child } = started;
    current = child;
    const ended = new Promise<string>((done) => {
      child.once("exit", (code, signal) => done(signal ?? `exit code ${code}`));
      child.once("error", (error) => done(error.message));
    });
    log(`${name} pid=${child.pid ?? "none"} started`);
    return { ...started, ended, startedMs: Date.now() };
  }

  async function watch(): Promise<void> {
    let running = first;
    let restarts = { failures: 0 };
    for (;;) {
      const how = await running.ended;
      current = undefined;
      if (stopping) return;
      const next = successor
        ? { delayMs: 0, state: restarts }
        : nextRestart(restarts, Date.now() - running.startedMs);
      restarts = next.state;
      log(`${name} pid=${running.child.pid ?? "none"} ended (${how}); starting again in ${next.delayMs} ms`);
      await delay(next.delayMs, undefined, { signal: stopSignal.signal }).catch(() => {});
      // `stop` may have been called while this waited.
      if (stopSignal.signal.aborted) return;
      running = startOne();
      successor?.resolve(running.ready);
      successor = undefined;
      running.ready.catch((error: Error) => log(`${name}: ${error.message}`));
    }
  }

  const watching = first.ready.then(
    () => watch(),
    () => first.ended.then(() => undefined),
  );
  return {
    name,
    ready: first.ready,
    current: () => current,
    async restart(graceMs) {
      if (stopping || !current) throw new Error(`${name} is not running`);
      successor ??= Promise.withResolvers();
      const served = successor.promise;
      await end(current, graceMs, (child) => child.kill("SIGTERM"));
      return served;
    },
    async stop(graceMs, request = (child) => child.kill("SIGTERM")) {
      stopping = true;
      stopSignal.abort();
      successor?.reject(new Error(`${name} was stopped`));
      if (current) await end(current, graceMs, request);
      await watching;
    },
  };
}

async function end(
  child: ChildProcess,
  graceMs: number,
  request: (child: ChildProcess) => void,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  request(child);
  const over = new AbortController();
  void awakeDelay(graceMs, over.signal).then(() => child.kill("SIGKILL"));
  await ended(child);
  over.abort();
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((done) => child.once("exit", () => done()));
}
