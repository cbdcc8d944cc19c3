// Cookies of a request (RFC 6265 §4.2.1), read as Envoy reads them: the first of a name, quotes around a value removed.

/** Cookies that are looked at; browsers send at most 180 per host. */
const maxCookies = 512;

export function parseCookies(header: string | null): ReadonlyMap<string, string> {
  const cookies = new Map<string, string>();
  if (header === null) return cookies;
  for (const pair of header.split(";", maxCookies)) {
    const equals = pair.indexOf("=");
    if (equals < 0) continue;
    const name = pair.slice(0, equals).trim();
    if (name === "" || cookies.has(name)) continue;
    const value = pair.slice(equals + 1).trim();
    const quoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"');
    cookies.set(name, quoted ? value.slice(1, -1) : value);
  }
  return cookies;
}
