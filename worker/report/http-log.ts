// The access log in HAProxy's HTTP log format (configuration manual §8.2.3, `option httplog`), for tools that read it:
// %ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %{+Q}r
//
// What the platform does not tell is 0: the client's port, times of queue and connection, counts of connections, bytes
// where the endpoint does not declare them. The line is written with the response head, so %Ta is %Tr. Queries are left
// out, as in the JSON log.
import type { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

export interface LoggedResponse {
  readonly status: number;
  /** `content-length` of the response, where it has one. */
  readonly bytes: string | null;
}

export function httpLogLine(
  exchange: Exchange,
  { status, bytes }: LoggedResponse,
  error: GatewayError | undefined,
  nowMs: number,
): string {
  const { listener, backend, endpoint, chain, scheme, startedMs } = exchange;
  // HAProxy marks a frontend that ended TLS, and names it as the backend where none was picked.
  const frontend = listener?.name ?? "-";
  const frontendText = scheme === "https" ? `${frontend}~` : frontend;
  const tookMs = nowMs - startedMs;
  const retries = exchange.tried?.length ?? 0;
  const request = `${exchange.method} ${exchange.path} ${httpVersion(exchange)}`;
  return (
    `${chain.clientAddress}:0 [${httpLogTime(startedMs)}] ${frontendText} ` +
    `${backend?.backend.name ?? frontend}/${endpoint?.endpoint.id ?? "<NOSRV>"} ` +
    `0/0/0/${error && endpoint ? -1 : tookMs}/${tookMs} ${status} ${bytes ?? 0} - - ${termination(error)} ` +
    `0/0/0/0/${retries} 0/0 "${escaped(request)}"`
  );
}

/** `%tr`: `06/Feb/2009:12:14:14.655`, in UTC. */
export function httpLogTime(ms: number): string {
  const iso = new Date(ms).toISOString();
  const month = months[Number(iso.slice(5, 7)) - 1];
  return `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 23)}`;
}

/** §8.5: who ended the session, and in which state it was. */
function termination(error: GatewayError | undefined): string {
  if (!error) return "----";
  if (error.code === "request_timeout" || error.code === "backend_request_timeout") return "sH--";
  if (error.code === "endpoint_reset" || error.code === "endpoint_protocol_error") return "SH--";
  if (error.code === "endpoint_connect_timeout") return "sC--";
  return error.source === "backend" ? "SC--" : "PR--";
}

function httpVersion({ request }: Exchange): string {
  const version = (request.cf as { httpProtocol?: unknown } | undefined)?.httpProtocol;
  return typeof version === "string" && version !== "" ? version : "HTTP/1.1";
}

/** As HAProxy does: `#` and two hexadecimal digits for what would break the quotes or the line. */
function escaped(text: string): string {
  return text.replace(
    /["#\\]|[^\x20-\x7e]/g,
    (character) => `#${(character.charCodeAt(0) & 0xff).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
