// `maxconn`, `minconn` and `maxqueue` of servers, with the `fullconn` and `timeout queue` of their backend (decision 0029).
import { formatDuration } from "../../duration-text.ts";
import { readDurationMs } from "../duration.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt } from "../statement-problem.ts";
import { wordAt } from "../statement.ts";
import type { BackendInput } from "./backends.ts";
import { countOf } from "./connection-limits.ts";
import type { Server, ServerOptions } from "./server-line.ts";

type EndpointInput = NonNullable<BackendInput["endpoints"]>[number];
type Bounds = Pick<EndpointInput, "maxConnections" | "minConnections" | "maxQueue">;

/** What is beyond any machine's is none. */
const maxBound = 1_000_000;

export function boundsOf({ maxConnections = 0, minConnections = 0, maxQueue = 0 }: ServerOptions): Bounds {
  // HAProxy takes the higher one for both where they are the wrong way round.
  const max = Math.max(maxConnections, minConnections);
  if (max === 0 || max > maxBound) return {};
  return {
    maxConnections: max,
    ...(minConnections > 0 && minConnections < max && { minConnections }),
    ...(maxQueue > 0 && maxQueue <= maxBound && { maxQueue }),
  };
}

/** `undefined`: no server has a bound. */
export function queueOf(proxy: Proxy, servers: readonly Server[], notes: Notes): BackendInput["queue"] {
  const bounds = servers.map((server) => ({ server, bounds: boundsOf(server.options) }));
  if (bounds.every((one) => one.bounds.maxConnections === undefined)) return undefined;
  const timeoutOf = (kind: string): number | undefined => {
    const statement = settingOf(proxy, "timeout", kind);
    return statement && attempt(statement, notes, () => readDurationMs(statement.words[2]));
  };
  // 0 counts as not written.
  const timeoutMs = timeoutOf("queue") || timeoutOf("connect");
  const full = settingOf(proxy, "fullconn");
  const fullConnections = full && attempt(full, notes, () => countOf(wordAt(full, 1)));
  const growing = bounds.find((one) => one.bounds.minConnections !== undefined);
  if (growing && !full) {
    notes.add(growing.server.statement, {
      code: "statement-approximated",
      message: "without fullconn minconn does nothing: HAProxy takes a tenth of what its frontends accept",
      remedy: "Write `fullconn` in the backend.",
    });
  }
  return {
    ...(timeoutMs && { timeout: formatDuration(timeoutMs) }),
    ...(growing && fullConnections !== undefined && { fullConnections }),
  };
}
