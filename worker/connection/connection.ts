// One connection of a TCP or TLS listener on its way: who connects, and what has been decided so far.
import type { GatewayError } from "#contract/error.ts";
import type { SnapshotListener } from "#contract/snapshot.ts";
import type { SocketPlace } from "#traffic/connection/proxy-protocol.ts";
import type { Lifetime } from "../exchange.ts";
import type { BackendPlan } from "../plan/backend-plan.ts";
import type { ConnectionPlan, ConnectionRulePlan } from "../plan/connection-plan.ts";
import type { EndpointPlan } from "../plan/endpoint-plan.ts";
import type { SnapshotPlan } from "../plan/snapshot-plan.ts";

export class Connection {
  readonly socket: Socket;
  readonly lifetime: Lifetime;
  readonly plan: SnapshotPlan;
  readonly startedMs: number;

  listener: SnapshotListener | undefined = undefined;
  /** As the socket says, or the proxy in front; absent where neither does. */
  client: SocketPlace | undefined = undefined;
  /** What the client connected to. */
  destination: SocketPlace | undefined = undefined;
  /** Server name of TLS; absent where the client named none, or speaks no TLS. */
  serverName: string | undefined = undefined;
  /** What has been read from the client and belongs to the endpoint. */
  head: readonly Uint8Array[] = [];
  /** A read that was under way when nothing more was waited for; what it brings belongs to the endpoint, too. */
  rest: Promise<Uint8Array | undefined> | undefined = undefined;

  route: ConnectionPlan | undefined = undefined;
  rule: ConnectionRulePlan | undefined = undefined;
  refIndex = -1;
  backend: BackendPlan | undefined = undefined;
  endpointIndex = -1;
  endpoint: EndpointPlan | undefined = undefined;
  /** Endpoints that could not be reached. */
  tried: readonly number[] = [];
  /** When the endpoint was connected. */
  connectedMs: number | undefined = undefined;

  /** Bytes of the client and of the endpoint; absent where nothing needs them counted. */
  bytes: { readonly fromClient: number; readonly fromEndpoint: number } | undefined = undefined;
  /** Absent: both sides ended it. */
  error: GatewayError | undefined = undefined;

  constructor(socket: Socket, lifetime: Lifetime, plan: SnapshotPlan, nowMs: number) {
    this.socket = socket;
    this.lifetime = lifetime;
    this.plan = plan;
    this.startedMs = nowMs;
  }

  get clientAddress(): string {
    return this.client?.address ?? "unknown";
  }
}
