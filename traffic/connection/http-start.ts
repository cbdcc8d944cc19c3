// Whether a connection begins with a request of HTTP/1, or with the preface of HTTP/2 (RFC 9112 §3, RFC 9113 §3.4): the
// version that it names, once the head is whole.
import { known, latin1, nothing, unfinished, type Reading } from "./start-reading.ts";

const requestLine = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/([0-9]\.[0-9])\r?\n/;
/** What may still become one. */
const lineSoFar = /^[!#$%&'*+.^_`|~0-9A-Za-z-]*(?: (?:[\x21-\x7e\x80-\xff]+(?: H?T?T?P?\/?[0-9.]*\r?)?)?)?$/;
const field = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\0]*$/;

export function readHttpVersion(bytes: Uint8Array): Reading {
  const text = latin1(bytes);
  const version = requestLine.exec(text);
  if (!version) return !text.includes("\n") && lineSoFar.test(text) ? unfinished : nothing;
  const lines = text.slice(version[0].length).split(/\r?\n/);
  // The last one has no end yet.
  const end = lines.slice(0, -1).indexOf("");
  const complete = lines.slice(0, end < 0 ? -1 : end);
  if (!complete.every((line) => field.test(line))) return nothing;
  return end < 0 ? unfinished : known(version[1]!);
}
