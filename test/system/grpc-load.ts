// A pod of gRPC and clients that call it without end, for tests that replace what is between: unary calls, short streams, and
// streams that stay until somebody ends them.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  status,
  type ClientDuplexStream,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type StatusObject,
} from "@grpc/grpc-js";

const asIs = (bytes: Buffer): Buffer => bytes;
const method = <Streams extends boolean>(name: string, streams: Streams) => ({
  path: `/test.Echo/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});
const service = { unary: method("Unary", false), chat: method("Chat", true) };

export interface GrpcPod {
  readonly port: number;
  stop(): void;
}

/** Sends back what it gets. */
export async function startGrpcPod(): Promise<GrpcPod> {
  const server = new Server();
  server.addService(service, {
    unary: ({ request }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => done(null, request),
    chat: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on("data", (message: Buffer) => call.write(message));
      call.on("end", () => call.end());
      // A stream that is cut off is the client's to tell of.
      call.on("error", () => undefined);
    },
  });
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? fail(error) : done(bound),
    ),
  );
  return { port, stop: () => server.forceShutdown() };
}

export interface GrpcLoad {
  /** Answers so far: of calls, and messages that came back. */
  answers(): number;
  /** Statuses with which long streams ended that nobody here had ended. */
  readonly endings: ReadonlyMap<string, number>;
  /** Ends the clients; what went wrong, one line each. */
  stop(): Promise<string[]>;
}

export interface GrpcLoadOptions {
  /** Of an HTTPS listener, with a certificate of `ca` for `host`. */
  readonly port: number;
  readonly ca: Buffer;
  readonly host: string;
  /** Clients of each kind. */
  readonly clients: number;
}

export function startGrpcLoad({ port, ca, host, clients }: GrpcLoadOptions): GrpcLoad {
  const failures: string[] = [];
  const endings = new Map<string, number>();
  const stopping = new AbortController();
  let answers = 0;
  const open = (): Client =>
    new Client(`127.0.0.1:${port}`, credentials.createSsl(ca), {
      "grpc.ssl_target_name_override": host,
      "grpc.default_authority": host,
      // Each with a connection of its own.
      "grpc.use_local_subchannel_pool": 1,
    });

  const kinds: [string, (client: Client) => Promise<void>][] = [
    ["unary call", unary],
    ["short stream", shortStream],
    ["long stream", longStream],
  ];
  async function longStream(client: Client): Promise<void> {
    const stream = chat(client);
    const ended = statusOf(stream);
    while (!stopping.signal.aborted) {
      // One that is over sends nothing, and echoes nothing.
      if (!(await echoed(stream, ended))) break;
      answers += 1;
      await delay(20);
    }
    const isOurs = stopping.signal.aborted;
    if (isOurs) stream.end();
    const { code, details } = await ended;
    if (isOurs) return;
    endings.set(status[code], (endings.get(status[code]) ?? 0) + 1);
    // What tells a client to call again (gRPC's status codes, UNAVAILABLE).
    if (code !== status.UNAVAILABLE) throw new Error(`ended with ${status[code]}: ${details}`);
  }
  const forever = async (what: string, once: (client: Client) => Promise<void>): Promise<void> => {
    const client = open();
    while (!stopping.signal.aborted) {
      try {
        await once(client);
        answers += 1;
      } catch (error) {
        failures.push(`${new Date().toISOString()} ${what}: ${(error as Error).message}`);
        await delay(20);
      }
    }
    client.close();
  };
  const running = kinds.flatMap(([what, once]) => Array.from({ length: clients }, () => forever(what, once)));
  return {
    answers: () => answers,
    endings,
    async stop() {
      stopping.abort();
      await Promise.all(running);
      return failures;
    },
  };
}

const deadline = (): { deadline: number } => ({ deadline: Date.now() + 30_000 });

function unary(client: Client): Promise<void> {
  const sent = randomBytes(1_000);
  return new Promise((done, fail) =>
    client.makeUnaryRequest(service.unary.path, asIs, asIs, sent, deadline(), (error, answer) => {
      if (error) fail(error);
      else if (answer?.equals(sent)) done();
      else fail(new Error("another message came back"));
    }),
  );
}

const chat = (client: Client): ClientDuplexStream<Buffer, Buffer> =>
  client.makeBidiStreamRequest<Buffer, Buffer>(service.chat.path, asIs, asIs);

async function shortStream(client: Client): Promise<void> {
  const stream = client.makeBidiStreamRequest<Buffer, Buffer>(service.chat.path, asIs, asIs, deadline());
  const ended = statusOf(stream);
  for (let count = 0; count < 3; count += 1) if (!(await echoed(stream, ended))) break;
  stream.end();
  const { code, details } = await ended;
  if (code !== status.OK) throw new Error(`ended with ${status[code]}: ${details}`);
}

/** Never rejects; a stream that fails emits both. */
function statusOf(stream: ClientDuplexStream<Buffer, Buffer>): Promise<StatusObject> {
  stream.on("error", () => undefined);
  return new Promise((done) => stream.once("status", done));
}

/** Whether a message came back before the stream ended. Rejects when it is another one. */
async function echoed(
  stream: ClientDuplexStream<Buffer, Buffer>,
  ended: Promise<StatusObject>,
): Promise<boolean> {
  const sent = randomBytes(100);
  const answer = new Promise<Buffer>((done) => stream.once("data", done));
  stream.write(sent);
  const received = await Promise.race([answer, ended.then(() => undefined)]);
  if (received && !received.equals(sent)) throw new Error("another message came back");
  return received !== undefined;
}
