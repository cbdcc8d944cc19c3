// For a connection that one process has accepted and another one gets.
import type { Socket } from "node:net";

/**
 * What is read from now on, until the other process has the connection, would be lost to it. Node has no public way:
 * `pause` goes on reading, and keeps what it reads.
 */
export function stopReading(socket: Socket): void {
  (socket as unknown as { _handle: { readStop(): void } | null })._handle?.readStop();
}
