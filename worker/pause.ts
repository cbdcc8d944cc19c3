// Between two steps of long work: whatever waits goes first.

export function pause(): Promise<void> {
  return scheduler.wait(0);
}
