// Header fields between the tunnel (lower-case names, latin-1, in order) and the raw lists of Node and undici.
import { proxiedConnectionField } from "#contract/proxied-connection.ts";
import type { Fields } from "#contract/tunnel/head.ts";
import { hopByHopNames, nominatedNames } from "#traffic/forwarding/hop-by-hop.ts";

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

/** The agent makes its own upgrade towards the endpoint; `TE` would need a `Connection` that undici does not send. */
const connectionNames: ReadonlySet<string> = new Set([...hopByHopNames, "upgrade"]);

/** Without the fields that belong to one connection only (RFC 9110 §7.6.1), those that `Connection` names, and `drop`. */
export function endToEndFields(fields: Fields, drop?: ReadonlySet<string>): Fields {
  const options = fields.filter(([name]) => name === "connection").map(([, value]) => value);
  const nominated = new Set(options.length === 0 ? [] : nominatedNames(options.join(",")));
  return fields.filter(([name]) => !connectionNames.has(name) && !nominated.has(name) && !drop?.has(name));
}

/** The tunnel's authority becomes Host or `:authority`. The gateway has answered `Expect` (RFC 9110 §10.1.1). */
export const droppedRequestFields: ReadonlySet<string> = new Set(["host", "expect", proxiedConnectionField]);

/** What the hub says may follow a request's body; no client can. */
export function announcedTrailers(fields: Fields): string | undefined {
  return fields.find(([name]) => name === "trailer")?.[1];
}
