// The data path of a connection, in order: who connects, for what, which backend and endpoint, then the bytes. Never
// rejects: a rejection that nobody handles could end the process, and with it the connections of others.
import { counterName } from "#contract/counter-name.ts";
import { GatewayError } from "#contract/error.ts";
import { encodeProxyHeader } from "#traffic/connection/proxy-protocol.ts";
import type { Lifetime } from "../exchange.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import { asGatewayError } from "../report/error-response.ts";
import { connectionLogLine, isConnectionLogged } from "../report/connection-log.ts";
import type { Isolate } from "../state/isolate.ts";
import { Connection } from "./connection.ts";
import type { ConnectionGates } from "./connection-gate.ts";
import type { DialEndpoint } from "./dial-endpoint.ts";
import { inspect } from "./inspect.ts";
import { reachEndpoint } from "./reach-endpoint.ts";
import { readStart } from "./read-start.ts";
import { localPlace, socketPlace } from "./socket-place.ts";
import { splice } from "./splice.ts";
import { watchEndpoint } from "./watch-endpoint.ts";

export interface AcceptInputs {
  readonly isolate: Isolate;
  readonly dial: DialEndpoint;
  readonly gates: ConnectionGates;
}

/** Resolves when the connection is over. */
export async function acceptConnection(
  socket: Socket,
  lifetime: Lifetime,
  inputs: AcceptInputs,
): Promise<void> {
  const { isolate } = inputs;
  socket.closed.catch(() => undefined);
  let connection: Connection | undefined;
  try {
    const { remoteAddress, localAddress } = await socket.opened;
    connection = new Connection(socket, lifetime, await isolate.ready(lifetime), Date.now());
    connection.client = socketPlace(remoteAddress);
    connection.listener = connection.plan.connections.first(lifetime.props);
    connection.destination = localPlace(localAddress, connection.client, connection.listener?.addresses);
    await withinListener(connection, inputs);
  } catch (caught) {
    const error = asGatewayError(caught);
    if (connection) connection.error = error;
    isolate.errors.count(error.code);
    if (error.code === "internal") console.error(error.cause ?? error);
  } finally {
    socket.close().catch(() => undefined);
    if (connection) report(connection);
    // What was counted goes to the region even where nobody connects or asks any more.
    await Promise.resolve(isolate.ready(lifetime)).catch(() => undefined);
  }
}

/** A place among the listener's connections, then one among the client's, who is not known before. */
async function withinListener(connection: Connection, inputs: AcceptInputs): Promise<void> {
  const gate = connection.listener && inputs.gates.of(connection.listener);
  const leave = await gate?.enter();
  try {
    await readStart(connection);
    const leaveAsClient = gate?.enterAsClient(connection);
    try {
      await serve(connection, inputs);
    } finally {
      leaveAsClient?.();
    }
  } finally {
    leave?.();
  }
}

async function serve(connection: Connection, inputs: AcceptInputs): Promise<void> {
  const { connections } = connection.plan;
  const found = connections.find(connection.lifetime.props, connection.serverName);
  connection.listener = found?.listener;
  connection.route = found?.route;
  if (!found?.route) throw new GatewayError("route_not_found");
  if (!found.route.admits(connection.clientAddress)) throw new GatewayError("forbidden");
  connection.rule = await inspect(connection, found.route);
  const { split, draw, backends } = connection.rule;
  connection.refIndex = split.pick(draw());
  if (connection.refIndex < 0) throw new GatewayError("backend_none");
  connection.backend = backends[connection.refIndex];
  if (!connection.backend) throw new GatewayError("backend_invalid");
  await withinLimits(connection, connection.backend, inputs);
}

async function withinLimits(
  connection: Connection,
  backend: BackendPlan,
  inputs: AcceptInputs,
): Promise<void> {
  const { breaker } = backend.load;
  if (breaker && !breaker.acquire("connections")) throw new GatewayError("circuit_open");
  try {
    await join(connection, backend, inputs);
  } finally {
    breaker?.release("connections");
  }
}

async function join(
  connection: Connection,
  backend: BackendPlan,
  { isolate, dial }: AcceptInputs,
): Promise<void> {
  const { socket: endpoint, ended } = await reachEndpoint(connection, backend, dial);
  connection.connectedMs = Date.now();
  const watched = watchEndpoint(connection, isolate);
  let failed = true;
  try {
    await sendHead(connection, backend, endpoint);
    const { idleMs } = connection.rule!.rule.timeouts;
    const count = connection.plan.settings.accessLog.mode === "all";
    const options = { rest: connection.rest, idleMs, count, cutOff: watched?.down };
    await splice(connection.socket, endpoint, options, (bytes) => {
      connection.bytes = bytes;
    });
    failed = false;
  } finally {
    watched?.stop();
    ended(failed);
    endpoint.close().catch(() => undefined);
  }
}

/** The PROXY header first, then what has been read from the client. */
async function sendHead(connection: Connection, { backend }: BackendPlan, endpoint: Socket): Promise<void> {
  const { client, destination, serverName, head } = connection;
  const { proxyProtocol } = backend;
  if (!proxyProtocol && head.length === 0) return;
  const writer = endpoint.writable.getWriter();
  try {
    if (proxyProtocol) {
      const proxied = client && { source: client, ...(destination && { destination }) };
      const header = { ...proxied, ...(serverName !== undefined && { serverName }) };
      await writer.write(encodeProxyHeader(proxyProtocol.version, header));
    }
    for (const chunk of head) await writer.write(chunk);
  } catch (cause) {
    throw new GatewayError("connection_reset", "before anything was answered", { cause });
  } finally {
    writer.releaseLock();
  }
}

function report(connection: Connection): void {
  const { plan, listener, route, backend, endpoint, bytes, error } = connection;
  const nowMs = Date.now();
  const names = { route: route?.route.name ?? "", backend: backend?.backend.name ?? "" };
  const result = error?.code ?? "ok";
  const count = (name: string, labels: Record<string, string>, amount = 1): void =>
    plan.counters.countEvent(counterName(name, labels), amount);
  count("connections_total", { ...names, result });
  if (listener) count("listener_connections_total", { listener: listener.name });
  if (endpoint) {
    const reached = connection.connectedMs === undefined ? "unreached" : "connected";
    count("endpoint_connections_total", {
      backend: names.backend,
      endpoint: endpoint.endpoint.id,
      result: reached,
    });
  }
  if (bytes) {
    count("connection_bytes_total", { ...names, direction: "in" }, bytes.fromClient);
    count("connection_bytes_total", { ...names, direction: "out" }, bytes.fromEndpoint);
  }
  const { accessLog } = plan.settings;
  if (isConnectionLogged(accessLog, error)) console.log(connectionLogLine(connection, accessLog, nowMs));
}
