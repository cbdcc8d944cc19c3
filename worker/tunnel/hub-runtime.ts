// The Durable Object's side of a hub: its bindings, and how frames leave.
import type { AskControl, Flushing, HubRuntime } from "#hub/hub-runtime.ts";
import type { Env } from "../env.ts";
import { announceHub } from "./region-link.ts";

const controlTimeoutMs = 10_000;

/** With fewer streams than this a flush never waits. */
const busyStreams = 4;

export function hubRuntime(env: Env): HubRuntime {
  return {
    zone: env.ZONE,
    askControl: askControl(env),
    announce: (target) => announceHub(env, target),
    createFlushing,
    log,
  };
}

export function log(level: "info" | "warn", line: string): void {
  if (level === "info") console.info(line);
  else console.warn(line);
}

export function askControl({ CONTROL }: Env): AskControl {
  return async (path, body) => {
    const answer = await CONTROL.fetch(`https://control${path}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(controlTimeoutMs),
    });
    return { status: answer.status, text: await answer.text() };
  };
}

/**
 * Requests arrive in events of their own, so a flush at the end of each would send a message per request. While
 * several streams write within a millisecond or two the flush waits for the next turn of timers: measured with 32
 * clients, up to a quarter less CPU here and half at the agent. A lone client's frame leaves at once.
 */
function createFlushing(): Flushing {
  let flushedMs = 0;
  return (flush, streams) => {
    const nowMs = Date.now();
    const busy = streams >= busyStreams && nowMs - flushedMs <= 1;
    flushedMs = nowMs;
    if (busy) setTimeout(flush, 0);
    else queueMicrotask(flush);
  };
}
