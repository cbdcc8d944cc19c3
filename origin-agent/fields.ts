// Header fields between the tunnel (lower-case names, latin-1, in order) and the raw lists of Node and undici.
import type { Fields } from "#contract/tunnel/head.ts";

/** Fields of a flat list `[name, value, name, value, …]` of strings or latin-1 buffers. */
export function fieldsOfRaw(raw: unknown): [name: string, value: string][] {
  if (!Array.isArray(raw)) return [];
  const fields: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    fields.push([text(raw[index]).toLowerCase(), text(raw[index + 1])]);
  }
  return fields;
}

// A header is octets; latin-1 keeps each as it is (RFC 9110 §5.5).
const text = (value: unknown): string => (Buffer.isBuffer(value) ? value.toString("latin1") : String(value));

/** RFC 9110 §7.6.1 and its usual extras: they belong to one connection, not to the message. */
const hopByHopNames = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "transfer-encoding",
  "upgrade",
]);

/** Without hop-by-hop fields, those that `Connection` names, and `drop`. */
export function endToEndFields(fields: Fields, drop?: ReadonlySet<string>): Fields {
  const named = new Set<string>();
  for (const [name, value] of fields) {
    if (name === "connection") for (const option of value.split(",")) named.add(option.trim().toLowerCase());
  }
  return fields.filter(([name]) => !hopByHopNames.has(name) && !named.has(name) && !drop?.has(name));
}
