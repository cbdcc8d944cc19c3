// Cursors of paginated lists: whole numbers, opaque to the caller.
import { Refusal } from "../refusal.ts";

/** Row id below which a page starts. Throws {@link Refusal} `request_invalid`. */
export function cursorFrom(before: string | undefined): number {
  if (before === undefined) return Number.MAX_SAFE_INTEGER;
  if (!/^[0-9]{1,15}$/.test(before)) {
    throw new Refusal("request_invalid", "query.before: expected the `next` of an earlier page");
  }
  return Number(before);
}

/** `next` of a page, absent on the last one. A full page may turn out to be the last. */
export function nextCursor(count: number, limit: number, lastId: number): { next?: string } {
  return count === limit ? { next: String(lastId) } : {};
}
