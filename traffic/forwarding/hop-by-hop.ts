// Fields that concern one connection only and must not be forwarded (RFC 9110 §7.6.1). `Upgrade` is not among them:
// the runtime makes the upgrade and needs to see it.
import type { HeaderFields } from "./header-fields.ts";

export const hopByHopNames: readonly string[] = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
];

/** A client may name fields in `Connection`, but not have the gateway drop what the message's meaning hangs on. */
const endToEnd = new Set(["host", "content-length", "content-type", "content-encoding", "upgrade"]);

/** Options that name no field. */
const noField = new Set(["close", "keep-alive", "upgrade", "te", "trailer"]);

const maxNominated = 32;
const token = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;

/** Field names that a `Connection` value nominates, lower case, at most 32. */
export function nominatedNames(connection: string | null): readonly string[] {
  if (connection === null || connection === "" || connection === "keep-alive" || connection === "Upgrade") {
    return none;
  }
  const names = new Set<string>();
  for (const option of connection.toLowerCase().split(",", maxNominated)) {
    const name = option.trim();
    if (token.test(name) && !endToEnd.has(name) && !noField.has(name)) names.add(name);
  }
  return names.size === 0 ? none : [...names];
}

const none: readonly string[] = [];

/**
 * Names to drop from a message with this `Connection` value, those it nominates included. The same array for every
 * message that nominates none. `te` is among them: see {@link forwardedTe}.
 */
export function namesToDrop(connection: string | null): readonly string[] {
  const nominated = nominatedNames(connection);
  return nominated.length === 0 ? hopByHopNames : [...hopByHopNames, ...nominated];
}

/** `TE` for the next hop: only that trailers are welcome survives (gRPC depends on it). */
export function forwardedTe(te: string | null): "trailers" | undefined {
  if (te === null) return undefined;
  return te
    .toLowerCase()
    .split(",")
    .some((coding) => coding.trim().split(";", 1)[0] === "trailers")
    ? "trailers"
    : undefined;
}

/** Drops the fields in place and keeps the meaning of `TE: trailers`. For requests and responses. */
export function dropHopByHop(headers: HeaderFields): void {
  const te = forwardedTe(headers.get("te"));
  for (const name of namesToDrop(headers.get("connection"))) headers.delete(name);
  if (te) headers.set("te", te);
}
