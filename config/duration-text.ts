// Durations as the native configuration writes them.

/** As the Gateway API writes durations: at most five digits for each unit. */
export function formatDuration(totalMs: number): string {
  let left = totalMs;
  let text = "";
  for (const [unit, size] of [
    ["h", 3_600_000],
    ["m", 60_000],
    ["s", 1_000],
  ] as const) {
    // 90s says more than 1m30s, and 1500ms more than 1s500ms.
    const isPlain =
      left % 1_000 !== 0 ? left >= 100_000 : left >= size && (left % size === 0 || left / 1_000 >= 100_000);
    if (!isPlain) continue;
    const count = Math.min(Math.floor(left / size), 99_999);
    if (count === 0) continue;
    text += `${count}${unit}`;
    left -= count * size;
  }
  return left > 0 || text === "" ? `${text}${Math.min(left, 99_999)}ms` : text;
}
