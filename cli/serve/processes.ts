// The processes of one system, each with the sockets, secrets and configuration that are its own, and the order in which
// they stop.
import { isLayer4 } from "#contract/snapshot.ts";
import type { DirectEndpoint } from "./direct-endpoints.ts";
import { readClientTrust } from "./client-trust.ts";
import { keepFrontDoor, type DoorListener, type FrontDoor } from "./front-door-process.ts";
import { createGatewaySet, type GatewaySet } from "./gateway-set.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { readKeyPair } from "./listener-certificates.ts";
import type { KeyPair } from "./front-door/settings.ts";
import { portSocket, socketPath, type PortGroup } from "./socket-plan.ts";
import type { InheritedSocket, SupervisorTask } from "./supervisor-message.ts";
import {
  controlConfig,
  gatewayConfig,
  gatewaySecret,
  stateConfig,
  type GatewaySocket,
} from "./workerd-config.ts";
import { startWorkerd } from "./workerd-process.ts";

export interface TunnelMaterial {
  readonly certificate: KeyPair;
  readonly trustPem: string;
}

export interface Processes {
  startControl(): Promise<void>;
  startState(): Promise<void>;
  readonly gateways: GatewaySet;
  /** Starts one front door beside each gateway, if there is a listener with TLS or HTTP/2. */
  startFrontDoors(): Promise<void>;
  /** Reads the certificate files again. Rejects, with nothing changed, when one is unusable. */
  reloadCertificates(): Promise<void>;
  /** Starts the tunnel's port, or gives it new material. */
  setTunnel(material: TunnelMaterial): Promise<void>;
  stop(): Promise<void>;
}

/** State and control hold nothing that a client waits for once the doors are closed. */
const shortGraceMs = 3_000;

export function createProcesses(task: SupervisorTask, log: (line: string) => void): Processes {
  const { options, directory } = task;
  const kept: KeptProcess[] = [];
  const doors = new Map<string, FrontDoor>();
  let tunnelDoor: FrontDoor | undefined;
  const gateways = createGatewaySet({
    names: Array.from({ length: options.processes }, (_, index) => `gateway-${index + 1}`),
    drainTimeoutMs: options.drainTimeoutMs,
    startOne: (name, endpoints) => startGateway(task, name, endpoints, log),
    log,
  });
  const keep = async (name: string, start: () => StartedChild): Promise<void> => {
    const process = keepRunning(name, start, log);
    kept.push(process);
    await process.ready;
  };
  return {
    gateways,
    startControl: () => keep("control", () => startControl(task, log)),
    startState: () => keep("state", () => startState(task, log)),
    async startFrontDoors() {
      for (const [name, listeners] of await doorListeners(task))
        doors.set(name, keepFrontDoor(name, listeners, log));
      await Promise.all([...doors.values()].map(({ ready }) => ready));
    },
    async reloadCertificates() {
      for (const [name, listeners] of await doorListeners(task)) doors.get(name)?.configure(listeners);
    },
    async setTunnel(material) {
      const listener = tunnelListener(task, material);
      if (tunnelDoor) return tunnelDoor.configure([listener]);
      tunnelDoor = keepFrontDoor("tunnel-door", [listener], log);
      await tunnelDoor.ready;
    },
    async stop() {
      // Requests under way may still need the tunnel, so its door closes after the listeners'.
      await Promise.all([
        ...[...doors.values()].map((door) => door.drain(options.drainTimeoutMs)),
        gateways.stop(options.drainTimeoutMs),
      ]);
      await tunnelDoor?.stop(shortGraceMs, (child) => child.kill("SIGKILL"));
      for (const process of kept.toReversed()) await process.stop(shortGraceMs);
      log(`stopped; ${directory.root} keeps the state`);
    },
  };
}

const own = ({ sockets }: SupervisorTask, process: string): InheritedSocket[] =>
  sockets.filter((socket) => socket.process === process);

const isPort = (group: PortGroup, { name }: InheritedSocket): boolean =>
  name === portSocket(group) || name.startsWith(`${portSocket(group)}-`);

function startControl(task: SupervisorTask, log: (line: string) => void): StartedChild {
  const { directory, options, modules } = task;
  const config = controlConfig({
    module: modules.control,
    storage: directory.control,
    trustDomain: options.trustDomain,
    sockets: { admin: ["admin"], internal: "internal" },
  });
  const env = { ADMIN_TOKEN: directory.adminToken, CA_KEY_SECRET: directory.caKeySecret };
  const sockets = own(task, "control");
  return startWorkerd({ name: "control", run: directory.run, config, sockets, env, stdout: "log" }, log);
}

function startState(task: SupervisorTask, log: (line: string) => void): StartedChild {
  const { directory, options, modules } = task;
  const config = stateConfig({
    module: modules.gateway,
    storage: directory.state,
    snapshots: directory.snapshots,
    control: socketPath(directory.run, "control", "internal"),
    region: options.region,
    connectTo: JSON.stringify(options.connectTo),
    sockets: { state: "state", hubs: "hubs", tunnel: "tunnel" },
  });
  return startWorkerd(
    { name: "state", run: directory.run, config, sockets: own(task, "state"), env: {}, stdout: "log" },
    log,
  );
}

function startGateway(
  task: SupervisorTask,
  name: string,
  endpoints: readonly DirectEndpoint[],
  log: (line: string) => void,
): StartedChild {
  const { directory, options, modules, ports } = task;
  const sockets = own(task, name);
  const config = gatewayConfig({
    module: modules.gateway,
    snapshots: directory.snapshots,
    control: socketPath(directory.run, "control", "internal"),
    state: socketPath(directory.run, "state", "state"),
    hubs: socketPath(directory.run, "state", "hubs"),
    connectTo: JSON.stringify(options.connectTo),
    region: options.region,
    ...(options.zone !== undefined && { zone: options.zone }),
    endpoints,
    sockets: sockets.map((socket): GatewaySocket => {
      const group = ports.find((candidate) => isPort(candidate, socket));
      return {
        name: socket.name,
        listeners: group?.listeners.map((listener) => listener.name) ?? [],
        carries: group && isLayer4(group) ? "tcp" : "http",
        behindFrontDoor: group?.behindFrontDoor === true,
      };
    }),
  });
  const env = { [gatewaySecret]: directory.sessionSecret };
  return startWorkerd({ name, run: directory.run, config, sockets, env, stdout: "inherit" }, log);
}

/** Listeners with TLS or HTTP/2 by the name of the front-door process that serves them. */
async function doorListeners(task: SupervisorTask): Promise<Map<string, DoorListener[]>> {
  const { ports, certificates, trusts, directory, options } = task;
  const doors = new Map<string, DoorListener[]>();
  for (let index = 1; index <= options.processes; index += 1) {
    const name = `front-door-${index}`;
    const listeners: DoorListener[] = [];
    for (const group of ports) {
      if (!group.behindFrontDoor) continue;
      const first = group.listeners[0]!;
      const files = group.listeners.flatMap((listener) => certificates[listener.name] ?? []);
      // The same for all listeners of a port, or the configuration is refused.
      const trust = trusts[first.name];
      listeners.push({
        name: group.listeners.map((listener) => listener.name).join(", "),
        kind: doorKind(group),
        ...(trust && { clientCertificates: trust.required ? "required" : "optional" }),
        upstream: socketPath(directory.run, `gateway-${index}`, portSocket(group)),
        certificates: await Promise.all(files.map(readKeyPair)),
        trustPem: trust ? await readClientTrust(trust) : "",
        ...(first.proxyProtocol && { proxyProtocol: first.proxyProtocol }),
        sockets: own(task, name).filter((socket) => isPort(group, socket)),
      });
    }
    if (listeners.length > 0) doors.set(name, listeners);
  }
  return doors;
}

function doorKind({ protocol }: PortGroup): DoorListener["kind"] {
  if (protocol === "TLS") return "tls";
  return protocol === "HTTPS" ? "https" : "http";
}

function tunnelListener(task: SupervisorTask, { certificate, trustPem }: TunnelMaterial): DoorListener {
  return {
    name: "tunnel",
    kind: "tunnel",
    upstream: socketPath(task.directory.run, "state", "tunnel"),
    certificates: [certificate],
    trustPem,
    sockets: own(task, "tunnel-door"),
  };
}
