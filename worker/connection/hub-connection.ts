// Asks a hub for a connection to an endpoint (`contract/hub-ask.ts`).
import { type ErrorCode, errorTable } from "#contract/error.ts";
import {
  askLengthBytes,
  encodeAsk,
  type HubAsk,
  hubAskAnswerSchema,
  maxAskBytes,
} from "#contract/hub-ask.ts";

/** Opens a connection to the process that has this hub; undefined where there is none. */
export type HubConnect = (hub: string) => Socket | undefined;

/** The code of why there is no connection; undefined when there is one. Rejects when the hub does not answer. */
export async function askHub(socket: Socket, ask: HubAsk): Promise<ErrorCode | undefined> {
  await writeMessage(socket, ask);
  const { error } = hubAskAnswerSchema.parse(await readMessage(socket));
  if (error === undefined) return undefined;
  return Object.hasOwn(errorTable, error) ? (error as ErrorCode) : "tunnel_reset";
}

function writeMessage(socket: Socket, message: HubAsk): Promise<void> {
  const writer = socket.writable.getWriter();
  return writer.write(encodeAsk(message)).finally(() => writer.releaseLock());
}

/** Takes nothing of what follows the message. */
async function readMessage(socket: Socket): Promise<unknown> {
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
  try {
    const [high, low] = await readExactly(reader, askLengthBytes);
    const bytes = (high! << 8) | low!;
    if (bytes > maxAskBytes) throw new Error(`a message of ${bytes} bytes`);
    return JSON.parse(new TextDecoder().decode(await readExactly(reader, bytes)));
  } finally {
    reader.releaseLock();
  }
}

async function readExactly(reader: ReadableStreamBYOBReader, bytes: number): Promise<Uint8Array> {
  const { value } = await reader.readAtLeast(bytes, new Uint8Array(bytes));
  if (value?.length !== bytes) throw new Error("the connection ended within a message");
  return value;
}
