// Clients of a plain HTTP listener, each with one request after the other: at once or after a moment, on a connection
// that it keeps or on a new one each time.
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

export interface PlainLoad {
  /** Answers so far, for each kind of client. */
  answers(): readonly number[];
  /** Ends the clients; what went wrong, one line each. */
  stop(): Promise<string[]>;
}

interface Kind {
  readonly name: string;
  readonly clients: number;
  readonly body?: string;
  readonly keepAlive: boolean;
  /** Between an answer and the next request. */
  readonly pauseMs: number;
}

const kinds: readonly Kind[] = [
  { name: "GET", clients: 4, keepAlive: true, pauseMs: 0 },
  { name: "GET after a moment", clients: 4, keepAlive: true, pauseMs: 20 },
  { name: "POST", clients: 2, keepAlive: true, pauseMs: 0, body: "x".repeat(3_000) },
  { name: "GET on a new connection", clients: 4, keepAlive: false, pauseMs: 0 },
  { name: "POST on a new connection", clients: 2, keepAlive: false, pauseMs: 5, body: "x".repeat(3_000) },
];

export function startPlainLoad(port: number): PlainLoad {
  const answers = kinds.map(() => 0);
  const failures: string[] = [];
  const agents: Agent[] = [];
  const stopping = new AbortController();
  const client = async (kind: Kind, index: number): Promise<void> => {
    const agent = kind.keepAlive && new Agent({ keepAlive: true, maxSockets: 1 });
    if (agent) agents.push(agent);
    while (!stopping.signal.aborted) {
      try {
        await exchange(port, kind, agent);
        answers[index]! += 1;
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${kind.name}: ${(error as Error).message}`);
      }
      if (kind.pauseMs > 0) await delay(kind.pauseMs);
    }
  };
  const clients = kinds.flatMap((kind, index) =>
    Array.from({ length: kind.clients }, () => client(kind, index)),
  );
  return {
    answers: () => [...answers],
    async stop() {
      stopping.abort();
      await Promise.all(clients);
      for (const agent of agents) agent.destroy();
      return failures;
    },
  };
}

function exchange(port: number, { body }: Kind, agent: Agent | false): Promise<void> {
  return new Promise((done, fail) => {
    const method = body === undefined ? "GET" : "POST";
    const headers = { host: "a.example.com" };
    const outgoing = httpRequest({ host: "127.0.0.1", port, method, agent, headers });
    outgoing.once("response", (incoming) => {
      incoming.resume();
      incoming.once("error", fail);
      incoming.once("end", () => {
        if (incoming.statusCode === 200) return done();
        fail(new Error(`${incoming.statusCode} ${String(incoming.headers["isthmus-error"])}`));
      });
    });
    outgoing.once("error", (error: NodeJS.ErrnoException) =>
      fail(
        new Error(`${error.code ?? error.message}${outgoing.reusedSocket ? " on a kept connection" : ""}`),
      ),
    );
    outgoing.end(body);
  });
}
