// Clients of every kind at once, for tests that replace what serves them: requests with and without bodies, on kept and
// on new connections, WebSockets that come and go, and WebSockets that stay.
import { randomBytes } from "node:crypto";
import { Agent, request as httpsRequest, type RequestOptions } from "node:https";
import { WebSocket } from "ws";

export interface MixedLoad {
  /** Answers so far: requests, and messages that came back. */
  answers(): number;
  /** Close codes that WebSockets got without asking for it. */
  readonly closeCodes: ReadonlyMap<number, number>;
  /** Ends the clients; what went wrong, one line each. */
  stop(): Promise<string[]>;
}

export interface MixedLoadOptions {
  /** Of an HTTPS listener; its certificate is not verified. */
  readonly port: number;
  readonly host: string;
  /** Path of the WebSocket that sends back what it gets. */
  readonly socketPath: string;
  /** Clients of each kind. */
  readonly clients: number;
}

/** Codes that tell a client to connect again: going away, service restart (RFC 6455 §7.4.1 and its registry). */
const reconnectCodes = new Set([1001, 1012]);

const body = randomBytes(3_000);

export function startMixedLoad(options: MixedLoadOptions): MixedLoad {
  const kept = new Agent({ keepAlive: true, rejectUnauthorized: false });
  const failures: string[] = [];
  const closeCodes = new Map<number, number>();
  const stopping = new AbortController();
  let answers = 0;

  const forever = async (what: string, once: () => Promise<void>): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await once();
        answers += 1;
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${what}: ${(error as Error).message}`);
      }
    }
  };
  const shortSocket = async (): Promise<void> => {
    const socket = await open(options);
    // One that was told to connect again has nobody left to answer.
    for (let count = 0; count < 3 && socket.readyState === WebSocket.OPEN; count += 1) await echoed(socket);
    socket.close(1000);
    await closed(socket);
  };
  const longSocket = async (): Promise<void> => {
    const socket = await open(options);
    const closing = closed(socket);
    while (socket.readyState === WebSocket.OPEN && !stopping.signal.aborted) {
      if (!(await Promise.race([echoed(socket).then(() => true), closing.then(() => false)]))) break;
      answers += 1;
      await Promise.race([closing, pause(20)]);
    }
    const isOurs = stopping.signal.aborted;
    if (isOurs) socket.close(1000);
    const code = await closing;
    if (isOurs) return;
    closeCodes.set(code, (closeCodes.get(code) ?? 0) + 1);
    if (!reconnectCodes.has(code)) throw new Error(`closed with ${code}`);
  };
  const kinds: [string, () => Promise<void>][] = [
    ["GET", () => exchange(options, kept, undefined)],
    ["GET on a new connection", () => exchange(options, false, undefined)],
    ["POST", () => exchange(options, kept, body)],
    ["POST on a new connection", () => exchange(options, false, body)],
    ["short WebSocket", shortSocket],
    ["long WebSocket", longSocket],
  ];
  const clients = kinds.flatMap(([what, once]) =>
    Array.from({ length: options.clients }, () => forever(what, once)),
  );
  return {
    answers: () => answers,
    closeCodes,
    async stop() {
      stopping.abort();
      await Promise.all(clients);
      kept.destroy();
      return failures;
    },
  };
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

function exchange(
  { port, host }: MixedLoadOptions,
  agent: Agent | false,
  sent: Buffer | undefined,
): Promise<void> {
  return new Promise((done, fail) => {
    const method = sent ? "POST" : "GET";
    const outgoing = httpsRequest({
      host: "127.0.0.1",
      port,
      method,
      path: "/",
      headers: { host },
      agent,
      servername: host,
      rejectUnauthorized: false,
    } as RequestOptions);
    outgoing.once("response", (incoming) => {
      incoming.resume();
      incoming.once("error", fail);
      incoming.once("end", () => {
        if (incoming.statusCode === 200) return done();
        fail(new Error(`${incoming.statusCode} ${incoming.headers["isthmus-error"]}`));
      });
    });
    outgoing.once("error", (error: NodeJS.ErrnoException) => {
      fail(
        new Error(`${error.code ?? error.message}${outgoing.reusedSocket ? " on a kept connection" : ""}`),
      );
    });
    outgoing.end(sent);
  });
}

function open({ port, host, socketPath }: MixedLoadOptions): Promise<WebSocket> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(`wss://127.0.0.1:${port}${socketPath}`, [], {
      headers: { host },
      rejectUnauthorized: false,
    });
    socket.setMaxListeners(0);
    socket.once("open", () => done(socket));
    socket.once("unexpected-response", (_request, response) =>
      fail(new Error(`${response.statusCode} ${response.headers["isthmus-error"]}`)),
    );
    socket.once("error", fail);
  });
}

function echoed(socket: WebSocket): Promise<void> {
  const text = randomBytes(100).toString("hex");
  return new Promise((done, fail) => {
    socket.once("message", (data) =>
      String(data) === text ? done() : fail(new Error("another message came back")),
    );
    socket.once("close", (code) =>
      reconnectCodes.has(code) ? done() : fail(new Error(`closed with ${code}`)),
    );
    socket.send(text);
  });
}

function closed(socket: WebSocket): Promise<number> {
  return new Promise((done) => {
    if (socket.readyState === WebSocket.CLOSED) return done(1006);
    socket.once("close", (code) => done(code));
  });
}
