// The cookie of a remote desktop connection: a line of text in its first packet ([MS-RDPBCGR] §2.2.1.1), behind the
// headers of TPKT and X.224.
import { known, latin1, nothing, unfinished, type Reading } from "./start-reading.ts";

const headerBytes = 11;
const lead = "cookie:";

/** Of `name` (`mstshash`), or of whichever there is. */
export function readRdpCookie(bytes: Uint8Array, name?: string): Reading {
  const text = latin1(bytes.subarray(headerBytes));
  if (text.length <= lead.length) return unfinished;
  if (text.slice(0, lead.length).toLowerCase() !== lead) return nothing;
  const cookie = text.slice(lead.length).replace(/^ +/, "");
  const lineEnd = cookie.indexOf("\r");
  const line = lineEnd < 0 ? cookie : cookie.slice(0, lineEnd);
  const equals = name === undefined ? line.indexOf("=") : name.length;
  if (equals < 0 || equals >= line.length) return lineEnd < 0 && !line.includes("\n") ? unfinished : nothing;
  const isNamed = name === undefined || line.slice(0, equals).toLowerCase() === name.toLowerCase();
  if (line[equals] !== "=" || !isNamed) return nothing;
  if (lineEnd < 0 || cookie.length < lineEnd + 2) return unfinished;
  return cookie[lineEnd + 1] === "\n" ? known(line.slice(equals + 1)) : nothing;
}
