// Cuts the output of a child process into lines for the log, each with the name of who said it.
import type { Readable } from "node:stream";

/** A longer line is broken up: a child cannot make this process buffer without end. */
const maxLineChars = 64 * 1024;

export function logLines(stream: Readable | null, say: (line: string) => void): void {
  if (!stream) return;
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") say(line);
    if (rest.length > maxLineChars) {
      say(rest);
      rest = "";
    }
  });
  stream.on("end", () => {
    if (rest !== "") say(rest);
  });
  stream.on("error", () => {});
}
