// The answer to a gateway's heartbeat as it travels: a line of JSON, and after it the lines of a snapshot if one is newer.
import { readSnapshotLines } from "./snapshot-lines.ts";
import { syncResponseSchema, type SyncResponse } from "./sync.ts";
import type { Steps } from "./steps.ts";

const firstLineSchema = syncResponseSchema.omit({ snapshot: true });

/** `lines`: of the snapshot that the answer brings. */
export function syncText(answer: Omit<SyncResponse, "snapshot">, lines: string | undefined): string {
  const first = JSON.stringify(answer);
  return lines === undefined ? first : `${first}\n${lines}`;
}

/** Throws for what is not such an answer. */
export function* readSyncText(text: string): Steps<SyncResponse> {
  const end = text.indexOf("\n");
  const answer = firstLineSchema.parse(JSON.parse(end < 0 ? text : text.slice(0, end)));
  return end < 0 ? answer : { ...answer, snapshot: yield* readSnapshotLines(text.slice(end + 1)) };
}
