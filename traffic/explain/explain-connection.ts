// What the gateway would do with a connection of a TCP or TLS listener, by the code of its data path. Pure: nothing is
// connected.
import {
  isLayer4,
  type ConnectionRule,
  type Snapshot,
  type SnapshotBackend,
  type TcpRoute,
  type TlsRoute,
} from "#contract/snapshot.ts";
import { ConnectionStart } from "../connection/connection-start.ts";
import { compileInspection, compileMatches } from "../connection/inspection.ts";
import { compileConnections } from "../connection/connection-table.ts";
import { HostIndex } from "../match/host-index.ts";
import type { Candidate } from "../match/explain.ts";
import { type BackendExplanation, explainBackends, type RunTime } from "./explain-backends.ts";
import { explainClientNetworks, type PolicyExplanation } from "./explain-policies.ts";

export interface ExplainedConnection {
  /** Port that the client connects to. */
  readonly port: number;
  /** Address of the machine that it connects to. Absent: one that no listener names. */
  readonly localAddress?: string;
  /** Server name of TLS, in lower case; absent where the client names none, or speaks no TLS. */
  readonly serverName?: string;
  /** Address that connects: of the client, or the one that a PROXY header names. */
  readonly clientAddress: string;
}

export interface ConnectionExplanation {
  readonly listener?: string;
  readonly client: string;
  readonly serverName?: string;
  /** Code and reason where the connection is closed without having been given to an endpoint. */
  readonly refusal?: string;
  readonly route?: string;
  readonly rule?: string;
  /** The other routes of connections, in the order of the configuration. */
  readonly candidates: readonly Candidate[];
  readonly policies: readonly PolicyExplanation[];
  readonly backends: readonly BackendExplanation[];
}

type ConnectionRoute = TcpRoute & Partial<Pick<TlsRoute, "hostnames">>;

export function explainConnection(
  snapshot: Snapshot,
  { port, localAddress, serverName, clientAddress }: ExplainedConnection,
  runTime: RunTime = {},
): ConnectionExplanation {
  const routes: readonly ConnectionRoute[] = [...(snapshot.tcpRoutes ?? []), ...(snapshot.tlsRoutes ?? [])];
  const asked = { client: clientAddress, ...(serverName !== undefined && { serverName }) };
  const nothing = { ...asked, candidates: [], policies: [], backends: [] };
  const ofPort = snapshot.listeners.find((listener) => isLayer4(listener) && listener.port === port);
  if (!ofPort) return { ...nothing, refusal: `no TCP or TLS listener has the port ${port}` };
  const { listener, route } = compileConnections(snapshot, (one): TcpRoute => one).find(
    { listener: ofPort.name, ...(localAddress !== undefined && { address: localAddress }) },
    serverName,
  )!;
  const candidates = routes
    .filter((one) => one !== route)
    .map((one): Candidate => candidateOf(one, listener.name, serverName, route));
  const found = { ...nothing, listener: listener.name, candidates };
  if (!route) {
    const reason = `no route of the listener takes ${serverName === undefined ? "a connection without a server name" : serverName}`;
    return { ...found, refusal: `route_not_found: ${reason}` };
  }
  const policies = route.clientCIDRs ? [explainClientNetworks(route.clientCIDRs, clientAddress)] : [];
  const inspected = inspect(route, { port, serverName, clientAddress });
  const { rule } = inspected;
  const taken = {
    ...found,
    candidates: [...inspected.candidates, ...candidates],
    route: route.name,
    rule: rule.id,
    policies,
  };
  if (policies.some(({ decision }) => decision === "refuses")) {
    return { ...taken, refusal: "forbidden: the route's client networks do not admit the client" };
  }
  if (inspected.isRejected) {
    return {
      ...taken,
      refusal: "forbidden: the route's inspection rejects a connection that says nothing else",
    };
  }
  // Of a connection nothing but the address can be hashed.
  const hashTextOf = ({ loadBalancer }: SnapshotBackend): string | undefined =>
    (loadBalancer.consistentHash?.type ?? "SourceIP") === "SourceIP" ? clientAddress : undefined;
  return { ...taken, backends: explainBackends(snapshot, rule, hashTextOf, runTime) };
}

/** As a connection of which nothing but the server name is known, and nothing more comes. */
function inspect(
  { name, inspection, rule }: TcpRoute,
  {
    port,
    serverName,
    clientAddress,
  }: Pick<ExplainedConnection, "port" | "clientAddress"> & {
    readonly serverName: string | undefined;
  },
): { rule: ConnectionRule; candidates: Candidate[]; isRejected: boolean } {
  if (!inspection) return { rule, candidates: [], isRejected: false };
  const transportProtocol = serverName === undefined ? undefined : "tls";
  const start = new ConnectionStart({ port, serverName, clientAddress, transportProtocol });
  start.end();
  const taken = inspection.choices.find(({ matches }) => compileMatches(matches)(start) === "holds") ?? rule;
  const others = [...inspection.choices, rule].filter((one) => one !== taken);
  return {
    rule: taken,
    isRejected: compileInspection(inspection.rules)(start) === "rejected",
    candidates: others.map(({ id }) => ({
      route: name,
      rule: id,
      matchIndex: 0,
      outcome: "fails",
      reasons: [
        "which rule it is depends on what the connection begins with, of which only the server name is known here",
      ],
    })),
  };
}

function candidateOf(
  { name, rule, listeners, hostnames = [] }: ConnectionRoute,
  listener: string,
  serverName: string | undefined,
  winner: TcpRoute | undefined,
): Candidate {
  const base = { route: name, rule: rule.id, matchIndex: 0 };
  if (!listeners.includes(listener)) {
    const reason = `the route is not attached to the listener ${listener}`;
    return { ...base, outcome: "elsewhere", reasons: [reason] };
  }
  const names = new HostIndex<true>();
  for (const hostname of hostnames) names.at(hostname, () => true);
  if (hostnames.length > 0 && !names.find(serverName ?? "")) {
    const named = serverName === undefined ? "the client names no server" : `server name ${serverName}`;
    return { ...base, outcome: "fails", reasons: [`${named}, expected ${hostnames.join(" or ")}`] };
  }
  const reasons = winner ? [`${winner.name} names the server more specifically, or comes first`] : [];
  return { ...base, outcome: "outranked", reasons };
}
