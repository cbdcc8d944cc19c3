// The configurations of the workerd processes of `isthmus serve`, as Cap'n Proto text. Pure: addresses of sockets come
// with `--socket-fd`, secrets from the process's environment, so neither is written here.
import type { SocketPlace } from "#contract/listener-place.ts";
import { capnpText, CapnpSymbol, embed, type CapnpValue } from "./capnp-text.ts";
import type { DirectEndpoint } from "./direct-endpoints.ts";

/** Header in which the front door hands a connection's facts to workerd, which parses and removes it. */
export const cfBlobHeader = "isthmus-cf";
/** Header in which it names the scheme that the client spoke; removed by workerd, too. */
export const schemeHeader = "isthmus-scheme";

const compatibilityDate = "2026-10-01";
/** As in wrangler.toml: a client that leaves aborts `request.signal`, so that a hub resets its stream. */
const gatewayFlags = ["enable_request_signal"];

/** Paths are absolute, or relative to the configuration file. */
export interface ControlConfig {
  readonly module: string;
  /** Directory of the Durable Objects. */
  readonly storage: string;
  readonly trustDomain: string;
  /** Names of sockets: the admin API, and the door for the state process. */
  readonly sockets: { readonly admin: readonly string[]; readonly internal: string };
}

/** Environment variables that the control process reads its secrets from. */
export const controlSecrets = ["ADMIN_TOKEN", "CA_KEY_SECRET"] as const;

export function controlConfig(config: ControlConfig): string {
  return document(
    [
      {
        name: "control",
        worker: {
          modules: [{ name: "control.js", esModule: embed(config.module) }],
          compatibilityDate,
          durableObjectNamespaces: [objectClass("ConfigStore"), objectClass("CertificateAuthority")],
          durableObjectStorage: { localDisk: "objects" },
          bindings: [
            { name: "CONFIG_STORE", durableObjectNamespace: "ConfigStore" },
            { name: "CERTIFICATE_AUTHORITY", durableObjectNamespace: "CertificateAuthority" },
            { name: "TRUST_DOMAIN", text: config.trustDomain },
            // Where its configurations run: what only `isthmus serve` can do is no error.
            { name: "TARGET", text: "serve" },
            ...controlSecrets.map((name) => ({ name, fromEnvironment: name })),
          ],
        },
      },
      { name: "objects", disk: { path: config.storage, writable: true } },
    ],
    [
      ...config.sockets.admin.map((name) => ({ name, http: {}, service: "control" })),
      { name: config.sockets.internal, http: {}, service: { name: "control", entrypoint: "Internal" } },
    ],
  );
}

export interface StateConfig {
  readonly module: string;
  readonly storage: string;
  /** Directory that serves as the KV namespace of the last good snapshot. */
  readonly snapshots: string;
  /** Path of the control's internal socket. */
  readonly control: string;
  readonly region: string;
  /** `--connect-to` rules as JSON, for health probes. */
  readonly connectTo: string;
  /** The hubs' sockets, by shard. */
  readonly hubs: readonly HubPaths[];
  readonly sockets: { readonly state: string };
}

export function stateConfig(config: StateConfig): string {
  return document(
    [
      {
        name: "state",
        worker: {
          modules: [{ name: "gateway.js", esModule: embed(config.module) }],
          compatibilityDate,
          compatibilityFlags: gatewayFlags,
          durableObjectNamespaces: [objectClass("RegionState"), objectClass("RateLimiter")],
          durableObjectStorage: { localDisk: "objects" },
          bindings: [
            { name: "REGION_STATE", durableObjectNamespace: "RegionState" },
            { name: "RATE_LIMITER", durableObjectNamespace: "RateLimiter" },
            { name: "CONTROL", service: "control" },
            { name: "SNAPSHOTS", kvNamespace: "snapshots" },
            { name: "REGION", text: config.region },
            { name: "CONNECT_TO", text: config.connectTo },
            ...hubBindings(config.hubs),
          ],
        },
      },
      { name: "objects", disk: { path: config.storage, writable: true } },
      { name: "snapshots", disk: { path: config.snapshots, writable: true } },
      { name: "control", external: unixHttp(config.control) },
      ...hubServices(config.hubs),
      internet,
    ],
    [{ name: config.sockets.state, http: {}, service: { name: "state", entrypoint: "StateDoor" } }],
  );
}

export interface GatewaySocket {
  readonly name: string;
  /** What the Worker sees as `ctx.props`. The gateway finds the other listeners by the one: it knows the snapshot, which may change. */
  readonly place: SocketPlace;
  /** Requests, or connections as they are. */
  readonly carries: "http" | "tcp";
  /** True where the front door speaks, with the connection's facts in a header; false for clients themselves. */
  readonly behindFrontDoor: boolean;
}

export interface GatewayConfig {
  readonly module: string;
  readonly snapshots: string;
  readonly control: string;
  /** Path of the state process's socket. */
  readonly state: string;
  /** `--connect-to` rules as JSON, for connections to endpoints. */
  readonly connectTo: string;
  /** The hubs' sockets, by shard. */
  readonly hubs: readonly HubPaths[];
  /** Name of this run of the process. */
  readonly process: string;
  /** As `PROCESS_SHARE` in worker/env.ts. */
  readonly processShare: string;
  readonly region: string;
  /** Zone that the gateway runs in, if it is known. */
  readonly zone?: string;
  readonly endpoints: readonly DirectEndpoint[];
  /** Name of the supervisor's own socket. */
  readonly door: string;
  readonly sockets: readonly GatewaySocket[];
}

/** Environment variable that signs clients' sessions. */
export const gatewaySecret = "SESSION_SECRET";

export function gatewayConfig(config: GatewayConfig): string {
  return document(
    [
      {
        name: "gateway",
        worker: {
          modules: [{ name: "gateway.js", esModule: embed(config.module) }],
          compatibilityDate,
          compatibilityFlags: gatewayFlags,
          bindings: [
            { name: "STATE", service: "state" },
            { name: "CONNECT_TO", text: config.connectTo },
            { name: "CONTROL", service: "control" },
            { name: "SNAPSHOTS", kvNamespace: "snapshots" },
            { name: "REGION", text: config.region },
            { name: "PROCESS", text: config.process },
            { name: "PROCESS_SHARE", text: config.processShare },
            ...zoneBinding(config.zone),
            ...hubBindings(config.hubs),
            { name: gatewaySecret, fromEnvironment: gatewaySecret },
            ...config.endpoints.map(({ binding }) => ({ name: binding, service: binding })),
          ],
        },
      },
      { name: "snapshots", disk: { path: config.snapshots, writable: true } },
      { name: "state", external: unixHttp(config.state) },
      { name: "control", external: unixHttp(config.control) },
      ...hubServices(config.hubs),
      internet,
      ...config.endpoints.map(endpointService),
    ],
    [
      { name: config.door, http: {}, service: { name: "gateway", entrypoint: "GatewayDoor" } },
      ...config.sockets.map(({ name, place, carries, behindFrontDoor }) => ({
        name,
        ...(carries === "tcp" ? { tcp: {} } : { http: behindFrontDoor ? frontDoorHttp : {} }),
        service: {
          name: "gateway",
          props: { json: JSON.stringify(socketProps(place, carries, behindFrontDoor)) },
        },
      })),
    ],
  );
}

function socketProps(
  place: SocketPlace,
  carries: GatewaySocket["carries"],
  behindFrontDoor: boolean,
): object {
  return {
    ...place,
    // The front door begins with the PROXY protocol.
    ...(carries === "tcp" && { tcp: true, ...(behindFrontDoor && { proxied: true }) }),
  };
}

/** Backends live in private networks more often than not, so every address may be dialled. */
const internet: CapnpValue = {
  name: "internet",
  network: { allow: ["public", "private", "local"], tlsOptions: { trustBrowserCas: true } },
};

/** workerd sets URL scheme and `request.cf` from what the front door says, then removes both headers. */
const frontDoorHttp: CapnpValue = {
  cfBlobHeader,
  forwardedProtoHeader: schemeHeader,
  injectRequestHeaders: [{ name: schemeHeader }],
};

const zoneBinding = (zone: string | undefined): CapnpValue[] =>
  zone === undefined ? [] : [{ name: "ZONE", text: zone }];

export interface HubPaths {
  /** For requests. */
  readonly hub: string;
  /** For connections. */
  readonly connections: string;
}

/** Named as the Worker looks for them. */
const hubBindings = (hubs: readonly HubPaths[]): CapnpValue[] =>
  hubs.flatMap((_paths, shard) =>
    [`hub:${shard}`, `connections:${shard}`].map((name) => ({ name, service: name })),
  );

const hubServices = (hubs: readonly HubPaths[]): CapnpValue[] =>
  hubs.flatMap(({ hub, connections }, shard) => [
    { name: `hub:${shard}`, external: unixHttp(hub) },
    { name: `connections:${shard}`, external: { address: `unix:${connections}`, tcp: {} } },
  ]);

function unixHttp(path: string): CapnpValue {
  return { address: `unix:${path}`, http: {} };
}

function endpointService({ binding, protocol, dial, certificateHost }: DirectEndpoint): CapnpValue {
  const style = new CapnpSymbol("host");
  return {
    name: binding,
    external:
      protocol === "HTTP"
        ? { address: dial, http: { style } }
        : {
            address: dial,
            https: { options: { style }, tlsOptions: { trustBrowserCas: true }, certificateHost },
          },
  };
}

/** The unique key is part of every object's id: it never changes. */
function objectClass(className: string): CapnpValue {
  return { className, uniqueKey: `isthmus-${className}`, enableSql: true };
}

function document(services: CapnpValue[], sockets: CapnpValue[]): string {
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = ${capnpText({ services, sockets })};
`;
}
