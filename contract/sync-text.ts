// An answer that may bring a snapshot, as it travels from the control to a region and from there to its gateways: a line of
// JSON, and after it the lines of the snapshot if one is newer, or of what has changed in it.
import type { SnapshotReader } from "./snapshot-reader.ts";
import { type SyncResponse, syncResponseSchema } from "./sync.ts";
import type { Steps } from "./steps.ts";

const gatewayAnswerSchema = syncResponseSchema.omit({ snapshot: true });

/** `lines`: of the snapshot that the answer brings. */
export function syncText(answer: object, lines: string | undefined): string {
  const first = JSON.stringify(answer);
  return lines === undefined ? first : `${first}\n${lines}`;
}

/** Throws where the first line is not JSON. */
export function splitSyncText(text: string): {
  readonly answer: unknown;
  readonly lines: string | undefined;
} {
  const end = text.indexOf("\n");
  if (end < 0) return { answer: JSON.parse(text), lines: undefined };
  return { answer: JSON.parse(text.slice(0, end)), lines: text.slice(end + 1) };
}

/** What a gateway gets. Throws for what is not such an answer. */
export function* readSyncText(text: string, snapshots: SnapshotReader): Steps<SyncResponse> {
  const { answer, lines } = splitSyncText(text);
  const read = gatewayAnswerSchema.parse(answer);
  return lines === undefined ? read : { ...read, snapshot: yield* snapshots.read(lines) };
}
