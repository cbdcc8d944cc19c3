// Load for tests: connections that are kept, each with one request under way, for a while.
import { Agent, request as httpRequest } from "node:http";

export interface ClosedLoop {
  readonly port: number;
  readonly host: string;
  readonly connections: number;
  readonly durationMs: number;
  readonly headers?: Record<string, string>;
}

export interface LoopResult {
  /** Answers by status; 0: no answer. */
  readonly statuses: ReadonlyMap<number, number>;
  /** From before the first request to after the last answer. */
  readonly spanMs: number;
}

export async function closedLoop(options: ClosedLoop): Promise<LoopResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const statuses = new Map<number, number>();
  const startMs = performance.now();
  const drive = async (): Promise<void> => {
    while (performance.now() - startMs < options.durationMs) {
      const status = await statusOf(options, agent);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: options.connections }, drive));
  const spanMs = performance.now() - startMs;
  agent.destroy();
  return { statuses, spanMs };
}

function statusOf({ port, host, headers }: ClosedLoop, agent: Agent): Promise<number> {
  return new Promise((done) => {
    const outgoing = httpRequest(
      { host: "127.0.0.1", port, agent, headers: { host, ...headers } },
      (incoming) => {
        incoming.resume();
        incoming.once("end", () => done(incoming.statusCode ?? 0));
        incoming.once("error", () => done(0));
      },
    );
    outgoing.once("error", () => done(0));
    outgoing.end();
  });
}
