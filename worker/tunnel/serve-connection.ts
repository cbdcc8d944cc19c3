// Carries a connection of the data path over a stream of a tunnel: asks an agent for the endpoint, then passes bytes on
// in both directions, each of which ends by itself.
import type { ErrorCode } from "#contract/error.ts";
import type { OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import type { TunnelSession } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, StreamReset, TunnelStream } from "#traffic/tunnel/stream.ts";
import { readAsk, writeMessage } from "../connection/hub-connection.ts";
import { chooseAgent } from "#traffic/tunnel/choose-agent.ts";
import type { DispatchPort } from "#hub/stream-dispatch.ts";
import type { AgentConnection } from "#hub/agent-connection.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseBody } from "./response-body.ts";
import { failureOf } from "#hub/tunnel-failure.ts";

/** Agents that are asked for one connection. */
const maxAttempts = 3;

/** Never rejects; resolves when the connection is over. */
export async function serveConnection(port: DispatchPort, socket: Socket): Promise<void> {
  socket.closed.catch(() => undefined);
  try {
    const { endpoint } = await readAsk(socket);
    const reached = await reach(port, endpoint);
    await writeMessage(socket, typeof reached === "string" ? { error: reached } : {});
    if (typeof reached !== "string") await reached.relay(socket);
  } catch {
    // The gateway has left, or the stream was reset, which closing tells it.
  } finally {
    socket.close().catch(() => undefined);
  }
}

/** No byte of the client has been read yet, so every agent may be tried. */
async function reach(
  { agents, zoneOf, random }: DispatchPort,
  endpoint: string,
): Promise<TcpExchange | ErrorCode> {
  const head: OpenHead = {
    kind: "tcp",
    endpoint,
    method: "",
    scheme: "",
    authority: "",
    target: "",
    fields: [],
  };
  const wish = { endpoint, zone: zoneOf(endpoint), tried: new Set<AgentConnection>() };
  let failure: ErrorCode = "tunnel_unavailable";
  while (wish.tried.size < maxAttempts) {
    const agent = chooseAgent(agents(), wish, random);
    if (!agent?.session) break;
    wish.tried.add(agent);
    const exchange = new TcpExchange();
    if (!exchange.open(agent.session, head)) continue;
    const reset = await exchange.answer;
    if (!reset) return exchange;
    failure = failureOf(reset).code;
  }
  return failure;
}

class TcpExchange implements StreamHandlers {
  readonly #answer = Promise.withResolvers<StreamReset | undefined>();
  #stream!: TunnelStream;
  #upload!: RequestBody;
  #download!: ResponseBody;

  /** False: the session takes no stream now. */
  open(session: TunnelSession, head: OpenHead): boolean {
    const stream = session.open(head, this, false);
    if (!stream) return false;
    this.#stream = stream;
    this.#upload = new RequestBody(stream);
    this.#download = new ResponseBody(stream);
    return true;
  }

  /** Undefined: the endpoint is connected. */
  get answer(): Promise<StreamReset | undefined> {
    return this.#answer.promise;
  }

  /** Rejects when the connection was broken off. */
  async relay(socket: Socket): Promise<void> {
    const upload = this.#upload.send(socket.readable as ReadableStream<Uint8Array>, undefined);
    try {
      await this.#passOn(socket);
    } catch (error) {
      if (this.#stream.open) this.#stream.reset("cancelled", "the client left");
      this.#upload.stop();
      throw error;
    }
    await upload;
  }

  async #passOn(socket: Socket): Promise<void> {
    const download = this.#download.take(undefined);
    if (download instanceof ReadableStream) return download.pipeTo(socket.writable);
    const writer = socket.writable.getWriter();
    if (download) await writer.write(download);
    await writer.close();
  }

  onHead(_head: ResponseHead): void {
    this.#answer.resolve(undefined);
  }

  onData(chunk: Uint8Array): void {
    this.#download.data(chunk);
  }

  onEnd(): void {
    this.#download.end();
  }

  onReset(reset: StreamReset): void {
    this.#answer.resolve(reset);
    this.#upload.stop();
    this.#download.fail(`${reset.code}: ${reset.detail}`);
  }

  onWritable(): void {
    this.#upload.writable();
  }
}
