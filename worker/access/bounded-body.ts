// Bodies of other servers, read up to a bound.

/** The first `limitBytes` of a body; what follows is not read. */
export async function readBounded(
  body: ReadableStream<Uint8Array> | null,
  limitBytes: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; complete: boolean }> {
  if (body === null) return { bytes: new Uint8Array(0), complete: true };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let lengthBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes: join(chunks, lengthBytes), complete: true };
    const room = limitBytes - lengthBytes;
    chunks.push(value.subarray(0, room));
    lengthBytes += Math.min(value.length, room);
    if (value.length <= room) continue;
    void reader.cancel().catch(() => undefined);
    return { bytes: join(chunks, lengthBytes), complete: false };
  }
}

function join(chunks: readonly Uint8Array[], lengthBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
