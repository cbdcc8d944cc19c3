// Brings informational answers to the front doors whose clients they are for (decision 0021).
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import type { InformationalTarget } from "#contract/informational.ts";
import type { ResponseHead } from "#contract/tunnel/head.ts";
import { informationalSocket } from "../socket-plan.ts";

/** The answer itself waits so long, should a front door hang. */
const patienceMs = 1_000;

export class FrontDoors {
  readonly #runDirectory: string;
  readonly #agent = new Agent({ keepAlive: true, maxFreeSockets: 8 });

  constructor(runDirectory: string) {
    this.#runDirectory = runDirectory;
  }

  /** False: the client does not get it, nor any that would follow. Never rejects. */
  async tell({ door, token }: InformationalTarget, head: ResponseHead): Promise<boolean> {
    const outgoing = request({
      socketPath: informationalSocket(this.#runDirectory, door),
      agent: this.#agent,
      method: "POST",
      path: `/${token}`,
      headers: { host: door },
      signal: AbortSignal.timeout(patienceMs),
    });
    // One that comes later than the answer means nothing.
    outgoing.on("error", () => undefined).end(JSON.stringify(head));
    try {
      const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
      answer.resume();
      return answer.statusCode === 204;
    } catch {
      return false;
    }
  }
}
