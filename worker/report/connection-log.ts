// One line per connection, when it is over: JSON, or HAProxy's TCP log format (configuration manual §8.2.2, `option
// tcplog`), for tools that read it:
// %ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq
//
// What is not known is 0: the time in queues, and counts of connections. %B counts the endpoint's bytes.
import type { ErrorCode, GatewayError } from "#contract/error.ts";
import { endsTls, type SnapshotSettings } from "#contract/snapshot.ts";
import type { Connection } from "../connection/connection.ts";
import { httpLogTime } from "./http-log.ts";

type AccessLog = SnapshotSettings["accessLog"];

const detailChars = 512;

const brokenOff: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "connection_reset",
  "connection_idle",
  "endpoint_down",
]);

/** `errors`: connections that came to nothing; those that broke off later have done their service. */
export function isConnectionLogged({ mode }: AccessLog, error: GatewayError | undefined): boolean {
  if (mode !== "errors") return mode === "all";
  return error !== undefined && !brokenOff.has(error.code);
}

export function connectionLogLine(connection: Connection, { format }: AccessLog, nowMs: number): string {
  return format === "HTTPLog" ? tcpLogLine(connection, nowMs) : jsonLine(connection, nowMs);
}

function jsonLine(connection: Connection, nowMs: number): string {
  const { listener, route, rule, backend, endpoint, serverName, bytes, error, client } = connection;
  const { startedMs, connectedMs } = connection;
  return JSON.stringify({
    ts: new Date(startedMs).toISOString(),
    ...(listener && { listener: listener.name, protocol: listener.protocol }),
    ...(serverName !== undefined && { serverName }),
    ...(route && { route: route.route.name }),
    ...(rule && { rule: rule.rule.id }),
    ...(backend && { backend: backend.backend.name }),
    ...(endpoint && { endpoint: endpoint.endpoint.id }),
    ...(error && { error: error.code, detail: error.message.slice(0, detailChars) }),
    ...(connectedMs !== undefined && { connectMs: connectedMs - startedMs }),
    durationMs: nowMs - startedMs,
    ...(bytes && { bytesIn: bytes.fromClient, bytesOut: bytes.fromEndpoint }),
    client: client ? `${client.address}:${client.port}` : "unknown",
  });
}

function tcpLogLine(connection: Connection, nowMs: number): string {
  const { listener, backend, endpoint, bytes, error, client, startedMs, connectedMs } = connection;
  const frontend = listener?.name ?? "-";
  const frontendText = listener && endsTls(listener) ? `${frontend}~` : frontend;
  const connectMs = connectedMs === undefined ? -1 : connectedMs - startedMs;
  return (
    `${client?.address ?? "unknown"}:${client?.port ?? 0} [${httpLogTime(startedMs)}] ${frontendText} ` +
    `${backend?.backend.name ?? frontend}/${endpoint?.endpoint.id ?? "<NOSRV>"} ` +
    `0/${connectMs}/${nowMs - startedMs} ${bytes?.fromEndpoint ?? 0} ${termination(connection, error)} ` +
    `0/0/0/0/${connection.tried.length} 0/0`
  );
}

/** §8.5: who ended the session, and in which state it was. */
function termination({ connectedMs }: Connection, error: GatewayError | undefined): string {
  if (!error) return "--";
  if (error.code === "connection_idle") return "cD";
  if (error.code === "endpoint_down") return "DD";
  if (error.code === "connection_start_timeout") return "cR";
  if (connectedMs !== undefined) return "CD";
  if (error.code === "endpoint_connect_timeout") return "sC";
  return error.source === "backend" ? "SC" : "PR";
}
