// The one written rule for paths (docs/paths.md): what the gateway matches is what it forwards, and no other spelling
// of a path reaches an endpoint.

/** What happens to `%2F` and `%5C`; names and meanings of Envoy Gateway's `path.escapedSlashesAction`. */
export type EscapedSlashesAction = "RejectRequest" | "KeepUnchanged" | "UnescapeAndForward";

// Nothing to do: pchar without `%` (RFC 3986 §3.3), no empty segment, no dot segment (with or without parameters).
const normalized = /^(?:\/(?!\.\.?(?:[/;]|$))[\w.~!$&'()*+,;=:@-]+)*\/?$/;
const dotSegment = /^\.\.?(?:;|$)/;
// Never part of an honest path: NUL, and octets that only occur in overlong UTF-8, another way to spell `/` and `.`.
const forbiddenEscape = /%(?:00|C[01]|E0%[89]|F0%8)/;

/**
 * Canonical form of the path of a request target. Returns the argument itself when it already is canonical.
 * `undefined`: malformed, answered 400. Linear in the length of the path.
 */
export function normalizePath(
  rawPath: string,
  escapedSlashes: EscapedSlashesAction = "RejectRequest",
): string | undefined {
  if (rawPath !== "" && normalized.test(rawPath)) return rawPath;
  if (!rawPath.startsWith("/")) return undefined;
  const encoded = canonicalEncoding(rawPath, escapedSlashes);
  return encoded === undefined ? undefined : resolveSegments(encoded);
}

/** Every octet in its one spelling: unreserved characters bare, all others percent-encoded in upper case. */
function canonicalEncoding(path: string, escapedSlashes: EscapedSlashesAction): string | undefined {
  // Control characters, space, `#` and `?` cannot be in a path that was split correctly; a lone surrogate is no text.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007F#?]/.test(path) || !path.isWellFormed()) return undefined;
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return undefined;
  let encoded = path
    .replaceAll("\\", "/")
    .replace(/[^\w.~!$&'()*+,;=:@/%-]+/g, encodeURIComponent)
    .replace(/%[0-9A-Fa-f]{2}/g, canonicalEscape);
  if (forbiddenEscape.test(encoded)) return undefined;
  if (/%(?:2F|5C)/.test(encoded)) {
    if (escapedSlashes === "RejectRequest") return undefined;
    if (escapedSlashes === "UnescapeAndForward") encoded = encoded.replace(/%(?:2F|5C)/g, "/");
  }
  return encoded;
}

/** RFC 3986 §6.2.2.1 and §6.2.2.2. */
function canonicalEscape(escape: string): string {
  const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : escape.toUpperCase();
}

/** RFC 3986 §5.2.4 dot segments, then empty segments. A dot segment with parameters (`..;x`) is refused. */
function resolveSegments(path: string): string | undefined {
  const segments = path.split("/");
  const resolved: string[] = [];
  for (let index = 1; index < segments.length; index += 1) {
    const segment = segments[index]!;
    if (!dotSegment.test(segment)) {
      resolved.push(segment);
      continue;
    }
    if (segment.includes(";")) return undefined;
    if (segment === "..") resolved.pop();
    // A dot segment at the end names a directory.
    if (index === segments.length - 1) resolved.push("");
  }
  const last = resolved.at(-1);
  const merged = resolved.filter((segment) => segment !== "").join("/");
  return merged === "" || last !== "" ? `/${merged}` : `/${merged}/`;
}
