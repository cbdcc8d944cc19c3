// Load at a constant rate, whatever the answers: each request is recorded with when it was sent and how it ended.
import { Agent, request as httpRequest } from "node:http";

export interface PacedRequest {
  readonly sentMs: number;
  readonly latencyMs: number;
  /** 0: no answer. */
  readonly status: number;
  /** `x-served-by` of the answer. */
  readonly servedBy: string;
}

export interface PacedLoad {
  /** Resolves to what was sent, in that order, once the last answer is there. */
  stop(): Promise<PacedRequest[]>;
}

export function startPacedLoad(url: string, host: string, requestsPerSecond: number): PacedLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const target = new URL(url);
  const sent: Promise<PacedRequest>[] = [];
  const startMs = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1_000) * requestsPerSecond;
    while (sent.length < due) sent.push(ask(target, host, agent));
  }, 2);
  return {
    async stop() {
      clearInterval(timer);
      const requests = await Promise.all(sent);
      agent.destroy();
      return requests;
    },
  };
}

function ask(target: URL, host: string, agent: Agent): Promise<PacedRequest> {
  const sentMs = performance.now();
  return new Promise((done) => {
    const end = (status: number, servedBy = ""): void =>
      done({ sentMs, latencyMs: performance.now() - sentMs, status, servedBy });
    const outgoing = httpRequest(
      { host: target.hostname, port: target.port, agent, headers: { host }, timeout: 10_000 },
      (answer) => {
        answer.resume();
        answer.once("end", () => end(answer.statusCode ?? 0, String(answer.headers["x-served-by"] ?? "")));
        answer.once("error", () => end(0));
      },
    );
    outgoing.once("error", () => end(0)).once("timeout", () => outgoing.destroy());
    outgoing.end();
  });
}
