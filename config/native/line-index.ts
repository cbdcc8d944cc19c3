// Offsets of a text → lines and columns.
import type { Place } from "../report.ts";

/**
 * Returns a function that finds the place of an offset in O(log lines); the lines are counted when it is first asked.
 * Lines end with LF or CR LF.
 */
export function lineIndex(text: string): (offset: number) => Place {
  let counted: number[] | undefined;
  // A byte order mark is no column.
  const firstColumn = text.startsWith("\uFEFF") ? 0 : 1;
  return (offset) => {
    const starts = (counted ??= lineStarts(text));
    let low = 0;
    let high = starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: Math.max(1, offset - starts[low]! + (low === 0 ? firstColumn : 1)) };
  };
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", end + 1)) starts.push(end + 1);
  return starts;
}
