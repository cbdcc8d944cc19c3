// Prepares the end of a gateway process to which clients talk directly, so that SIGTERM closes no connection with a
// request on the way (decision 0014).
import type { ChildProcess } from "node:child_process";
import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { gatewayCalls } from "#contract/gateway-call.ts";
import { awakeDelay } from "#hub/awake-delay.ts";
import { waitingRequests } from "./waiting-requests.ts";

/** Clients that ask again within this time have a request under way when the process ends. */
const holdMs = 200;
/** From a connection to the request on it. */
const arrivalMs = 10;
/** For the process to read what has arrived. */
const readMs = 5;
/** A flood never pauses. */
const patienceMs = 2_000;
/** By then the process has heeded SIGTERM, and says `Connection: close` with each answer. */
const heedMs = 20;

export interface LeavingProcess {
  /** Path of its own door. */
  readonly door: string;
  readonly child: ChildProcess;
  /** On which it accepts clients. */
  readonly ports: ReadonlySet<number>;
}

/** Resolves when it may be sent SIGTERM, to what has to be called right after that. Never rejects. */
export async function leaveClients({ door, child, ports }: LeavingProcess): Promise<() => void> {
  const holding = holdAnswers(door);
  await awakeDelay(holdMs);
  await freezeIdle(child, ports);
  return () => {
    child.kill("SIGCONT");
    setTimeout(() => holding.letGo(), heedMs);
  };
}

function holdAnswers(socketPath: string): { letGo(): void } {
  const call = request({ socketPath, method: "POST", path: gatewayCalls.leave, headers: { host: "door" } });
  // A process that has ended by itself holds nothing.
  call.on("error", () => undefined).on("response", (answer) => answer.resume());
  call.flushHeaders();
  return { letGo: () => void call.end() };
}

/**
 * Stops the process in its tracks at a moment when no request waits for it. While it stands still its successor accepts
 * whoever connects, and the kernel shows whether a request has come on a connection that it accepted just before.
 */
async function freezeIdle(child: ChildProcess, ports: ReadonlySet<number>): Promise<void> {
  if (child.pid === undefined) return;
  const deadlineMs = Date.now() + patienceMs;
  for (;;) {
    child.kill("SIGSTOP");
    await delay(arrivalMs);
    let waiting = waitingRequests(child.pid, ports);
    while (waiting !== undefined && waiting.queued > 0 && Date.now() < deadlineMs) {
      await delay(1);
      waiting = waitingRequests(child.pid, ports);
    }
    if (waiting === undefined || waiting.unread === 0 || Date.now() >= deadlineMs) return;
    child.kill("SIGCONT");
    await delay(readMs);
  }
}
