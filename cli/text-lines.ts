// Lines of a file one after the other: logs are longer than what fits into memory, or into one string.
import { closeSync, openSync, readSync } from "node:fs";

const chunkBytes = 64 * 1024;

/** Of a line that is longer than `maxChars` only a beginning comes, which is longer, too. Throws what reading throws. */
export function* textLines(path: string, maxChars: number): Generator<string> {
  const file = openSync(path, "r");
  try {
    const decoder = new TextDecoder();
    const buffer = Buffer.alloc(chunkBytes);
    let rest = "";
    for (let bytes = readSync(file, buffer); bytes > 0; bytes = readSync(file, buffer)) {
      const lines = (rest + decoder.decode(buffer.subarray(0, bytes), { stream: true })).split("\n");
      rest = lines.pop()!;
      // What goes on beyond the bound is of no use.
      if (rest.length > maxChars) rest = rest.slice(0, maxChars + 1);
      yield* lines;
    }
    if (rest !== "") yield rest;
  } finally {
    closeSync(file);
  }
}
