// Starts the processes of a system that run Workers, and the hubs, each with its own configuration, secrets and sockets.
import { limits } from "#contract/limits.ts";
import { isLayer4 } from "#contract/snapshot.ts";
import type { DirectEndpoint } from "./direct-endpoints.ts";
import { startHubProcess } from "./hub-process.ts";
import type { TunnelTls } from "./hub/settings.ts";
import type { StartedChild } from "./kept-process.ts";
import { socketsIn } from "./slots.ts";
import type { SlottedRun } from "./slotted-set.ts";
import { doorSocket, hubProcess, isPort, placeOf, shardOf, socketPath } from "./socket-plan.ts";
import type { InheritedSocket, SupervisorTask } from "./supervisor-message.ts";
import {
  controlConfig,
  gatewayConfig,
  gatewaySecret,
  stateConfig,
  type GatewaySocket,
  type HubPaths,
} from "./workerd-config.ts";
import { startWorkerd } from "./workerd-process.ts";

type Log = (line: string) => void;

const own = ({ sockets }: SupervisorTask, process: string): InheritedSocket[] =>
  sockets.filter((socket) => socket.process === process);

/** By shard. Their processes run once there is a backend of a tunnel, and from the start with `--tunnel`. */
const hubPaths = ({ directory }: SupervisorTask): HubPaths[] =>
  Array.from({ length: limits.hubsPerTunnel }, (_, shard) => ({
    hub: socketPath(directory.run, hubProcess(shard), "hub"),
    connections: socketPath(directory.run, hubProcess(shard), "connections"),
  }));

export function startControl(task: SupervisorTask, log: Log): StartedChild {
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

export function startState(task: SupervisorTask, log: Log): StartedChild {
  const { directory, options, modules } = task;
  const config = stateConfig({
    module: modules.gateway,
    storage: directory.state,
    snapshots: directory.snapshots,
    control: socketPath(directory.run, "control", "internal"),
    region: options.region,
    connectTo: JSON.stringify(options.connectTo),
    hubs: hubPaths(task),
    sockets: { state: "state" },
  });
  const sockets = own(task, "state");
  return startWorkerd({ name: "state", run: directory.run, config, sockets, env: {}, stdout: "log" }, log);
}

export function startHub(
  task: SupervisorTask,
  { name, slot }: SlottedRun,
  tls: TunnelTls | undefined,
  log: Log,
): StartedChild {
  const { directory, options } = task;
  const settings = {
    shard: shardOf(name),
    control: socketPath(directory.run, "control", "internal"),
    state: socketPath(directory.run, "state", "state"),
    region: options.region,
    runDirectory: directory.run,
    ...(options.zone !== undefined && { zone: options.zone }),
  };
  return startHubProcess({ name, settings, tls, sockets: socketsIn(task.sockets, name, slot) }, log);
}

export function startGateway(
  task: SupervisorTask,
  { name, slot, id }: SlottedRun,
  endpoints: readonly DirectEndpoint[],
  log: Log,
): StartedChild {
  const { directory, options, modules, ports } = task;
  const sockets = socketsIn(task.sockets, name, slot);
  const config = gatewayConfig({
    module: modules.gateway,
    snapshots: directory.snapshots,
    control: socketPath(directory.run, "control", "internal"),
    state: socketPath(directory.run, "state", "state"),
    hubs: hubPaths(task),
    process: id,
    processShare: `${Number(name.slice("gateway-".length)) - 1}/${options.processes}`,
    connectTo: JSON.stringify(options.connectTo),
    region: options.region,
    ...(options.zone !== undefined && { zone: options.zone }),
    endpoints,
    door: doorSocket,
    sockets: sockets
      .filter((socket) => socket.name !== doorSocket)
      .map((socket): GatewaySocket => {
        const group = ports.find((candidate) => isPort(candidate, socket));
        return {
          name: socket.name,
          place: group ? placeOf(group) : {},
          carries: group && isLayer4(group) ? "tcp" : "http",
          behindFrontDoor: group?.behindFrontDoor === true,
        };
      }),
  });
  const env = { [gatewaySecret]: directory.sessionSecret };
  return startWorkerd({ name, run: directory.run, config, sockets, env, stdout: "inherit" }, log);
}
