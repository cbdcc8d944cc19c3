// How a gateway asks a hub for a connection to an endpoint, on a raw connection between our own processes: one message
// each way (its length in 16 bits, then JSON), then the bytes of the connection. Both ends are here.
import { z } from "zod";
import { type ErrorCode, errorTable } from "#contract/error.ts";

/** Opens a connection to the process that has this hub; undefined where there is none. */
export type HubConnect = (hub: string) => Socket | undefined;

const askSchema = z.strictObject({
  /** Name of the hub's object. */
  hub: z.string(),
  /** `endpointKey` of whom to reach. */
  endpoint: z.string(),
});
export type HubAsk = z.infer<typeof askSchema>;

const answerSchema = z.strictObject({
  /** Absent: connected. */
  error: z.string().optional(),
});

/** Names have 253 characters at most, so that this is plenty. */
const maxMessageBytes = 4 * 1024;

/** The code of why there is no connection; undefined when there is one. Rejects when the hub does not answer. */
export async function askHub(socket: Socket, ask: HubAsk): Promise<ErrorCode | undefined> {
  await writeMessage(socket, ask);
  const { error } = answerSchema.parse(await readMessage(socket));
  if (error === undefined) return undefined;
  return Object.hasOwn(errorTable, error) ? (error as ErrorCode) : "tunnel_reset";
}

export async function readAsk(socket: Socket): Promise<HubAsk> {
  return askSchema.parse(await readMessage(socket));
}

export function writeMessage(
  socket: Socket,
  message: HubAsk | { readonly error?: ErrorCode },
): Promise<void> {
  const text = new TextEncoder().encode(JSON.stringify(message));
  const writer = socket.writable.getWriter();
  const written = writer.write(Uint8Array.of(text.length >> 8, text.length & 0xff, ...text));
  return written.finally(() => writer.releaseLock());
}

/** Takes nothing of what follows the message. */
async function readMessage(socket: Socket): Promise<unknown> {
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader({ mode: "byob" });
  try {
    const [high, low] = await readExactly(reader, 2);
    const bytes = (high! << 8) | low!;
    if (bytes > maxMessageBytes) throw new Error(`a message of ${bytes} bytes`);
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
